/** The limits that hold on every way in, on every transport. */

/** The most characters that a `body` may have. */
export const MAX_BODY_LENGTH = 4000

/** The most bytes that `data` may have as JSON in UTF-8. */
export const MAX_DATA_BYTES = 16_384

/** The most characters that a `category` may have. */
export const MAX_CATEGORY_LENGTH = 64

/** The notifications in a list whose reader names no limit. */
export const DEFAULT_INBOX_PAGE = 20

/** The most notifications that a list may have. */
export const MAX_INBOX_PAGE = 100

/** The most notifications that one call may mark by their ids. */
export const MAX_MARKED_IDS = 1000

/** The most users that a list of those in a room names. */
export const MAX_LISTED_USERS = 1000
