/** The predecessor's name for it. */
export const HUB = 'weixin-user';
