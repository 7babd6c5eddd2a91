/** Which tokens of a user are no longer accepted. Kept until it is replaced by a later one. */
export interface Revocations {
  /** Refuses every token of the user that was issued at or before `issuedAt` (seconds since the epoch). */
  revoke(user: string, issuedAt: number): Promise<void>

  /** The latest `issuedAt` that is refused; 0 for none. */
  revokedUntil(user: string): Promise<number>
}
