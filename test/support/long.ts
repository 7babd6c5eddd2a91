/** Whether everything runs in its full form, which takes hours: `npm run test:long`. */
export const isLong = process.env.TABCAST_LONG === '1'
