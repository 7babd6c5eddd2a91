/** A running process, as the others see it. */
export interface Peer {
  role: string
  /** Where its HTTP server can be reached from this machine's network, as a URL. */
  url: string
}

/** Which processes share this store. */
export interface Registry {
  /** Makes this process known, from now until the engine is closed. */
  enter(peer: Peer): void

  /** The processes that are alive, this one included. */
  peers(): Promise<Peer[]>
}
