import type { Published } from '../../core/engine/broker.ts'

/** What came of a publish, and what is to be carried in this order. */
export interface Outcome {
  published: Published
  messages: readonly Buffer[]
}
