/** JSON of many shapes that came from a server. A test says what it expects of it, and fails if it reads a wrong one. */
// biome-ignore lint/suspicious/noExplicitAny: a type for each answer would repeat the schemas, which are what is tested
export type Json = any
