import type { Channel } from '../model/channel.ts'
import type { StreamPosition } from '../model/position.ts'

/** The number of connections of each channel, over all processes. The counts of a process that dies are gone within ten seconds. */
export interface Connections {
  /**
   * States the number of connections of a channel in this process; 0 withdraws it, and if that fails the engine goes on trying until another
   * number is stated. Resolves to the end of the log, so that one round trip registers a connection and checks its position.
   */
  announce(channel: Channel, connections: number): Promise<StreamPosition>

  /** Counts the connections of each channel; resolves to the counts in the order of `channels`. */
  count(channels: readonly Channel[]): Promise<ConnectionCount[]>
}

/** The connections of one channel. */
export interface ConnectionCount {
  connections: number
  /**
   * The time at which the channel last had a connection, in milliseconds since the epoch; undefined if it never had one, or that is forgotten.
   * While it has one, this is the last time for which that is certain, at most two minutes ago.
   */
  lastSeen: number | undefined
}
