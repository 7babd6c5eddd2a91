import type { Channel } from '../model/channel.ts'
import type { StreamPosition } from '../model/position.ts'

/** Who is connected, counted over all processes. The counts of a process that dies are gone within ten seconds. */
export interface Connections {
  /**
   * States how many connections of a channel this process has; 0 withdraws it, and if that fails the engine goes on trying until another
   * number is stated. Answers where the log stands, so that one round trip registers and checks a position.
   */
  announce(channel: Channel, connections: number): Promise<StreamPosition>

  /** The connections of each channel, in the order asked. */
  count(channels: readonly Channel[]): Promise<ConnectionCount[]>
}

export interface ConnectionCount {
  connections: number
  /**
   * When the channel last had a connection, in milliseconds since the epoch; undefined if never, or forgotten. While it has one, it is
   * the last time that this was known for sure, at most two minutes ago.
   */
  lastSeen: number | undefined
}
