/** What the user has said. */
export const DASHBOARD_OPTIONS = 'ConnPoolDashboardOptions';

/** The same, complete. */
export const DASHBOARD_SETTINGS = 'ConnPoolDashboardSettings';
