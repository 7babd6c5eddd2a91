/** Something that one attack at a time may break. */
export class Target {
  #taken = false

  get free(): boolean {
    return !this.#taken
  }

  /** Keeps others away until the attack is over, and whole again. */
  async during(attack: () => Promise<void>): Promise<void> {
    this.#taken = true
    try {
      await attack()
    } finally {
      this.#taken = false
    }
  }
}
