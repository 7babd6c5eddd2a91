/** The time of each user up to which tokens are revoked. Kept until it is replaced by a later one. */
export interface Revocations {
  /** Refuses every token of the user that was issued at or before `issuedAt` (seconds since the epoch). */
  revoke(user: string, issuedAt: number): Promise<void>

  /** Reads the latest `issuedAt` (seconds since the epoch) that is refused; 0 for none. */
  revokedUntil(user: string): Promise<number>
}
