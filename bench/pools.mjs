/** The pool of this package. */
export const OURS = 'nestjs-conn-pool';

/** The same in an application that Prometheus scrapes. */
export const WITH_PROMETHEUS = 'nestjs-conn-pool@prometheus';

/** The pools that it is measured against. */
export const PEERS = ['lightning-pool', 'sequelize-pool', 'generic-pool', 'tarn'];

/** Peers without a deadline of their own accord, once more with one. */
export const PEERS_WITH_TIMEOUT = ['lightning-pool@30s', 'generic-pool@30s'];
