import type { Channel } from '../../../core/model/channel.ts'
import type { Counts } from '../../../core/model/item.ts'
import type { Epoch, LogState } from '../../../core/model/position.ts'

/** The facts about a log that are known without reading its entries. Times are milliseconds since the epoch. */
export interface Row extends LogState {
  readonly id: number
  readonly channel: Channel
  seq: number
  floor: number
  epochs: readonly Epoch[]
  /** The number of entries that are no notifications. */
  entries: number
  /** The number of notifications. */
  items: number
  /** The number of notifications that have a waiter or a webhook. */
  asked: number
  /** True if a notification may have a state. */
  isMarked: boolean
  /** The time at which the log was last written or read. */
  used: number
  /** A time at or before the first end of a notification; undefined if there are none. */
  ends: number | undefined
  /** The end of the newest notification of those that end in the order of the log; 0 if there is none. */
  lastEnd: number
  /** The last `updatedAt` that was given. */
  updated: number
  /** The seq up to which every notification was delivered, as far as that is known. */
  acknowledged: number
  /** A time before which nothing in the log is too old; 0 if that is not known. */
  agesAt: number
  /** The counts of the inbox, if they have been counted since the row was read. */
  counts?: Counts | undefined
}
