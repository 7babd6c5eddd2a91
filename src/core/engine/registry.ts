/** A running process, as the others see it. */
export interface Peer {
  role: string
  /** The URL of its HTTP server, as seen from this machine's network. */
  url: string
}

/** The processes that share this store. */
export interface Registry {
  /** Makes this process known, from now until the engine is closed. */
  enter(peer: Peer): void

  /** Lists the processes that are alive, this one included. */
  peers(): Promise<Peer[]>
}
