/** True in `npm run test:long`: everything runs in its full form, which takes hours. */
export const isLong = process.env.TABCAST_LONG === '1'
