/** Bytes that are set aside at a time: the commands of many calls, so that each is a piece of one buffer. */
const SLAB = 65_536

/** The most bytes of the two lines around an argument, and of a number as text. */
const LINES = 32
const NUMBER = 32

/** Texts below this length are mostly ASCII, and written faster here than by a call of the runtime. */
const SHORT = 32

const CR = 13
const LF = 10
const ZERO = 48
const COUNT = 42 // *
const LENGTH = 36 // $

/**
 * Writes commands as Redis reads them (RESP 2, "Sending commands to a Redis server"), each into one piece of a larger buffer: put together from
 * strings, a command with many arguments would leave a hundred short-lived ones to be collected.
 */
export class CommandWriter {
  #slab = Buffer.allocUnsafeSlow(SLAB)
  #end = 0

  /**
   * A command as bytes: its name, its first argument, and those that follow. They are not used again, so that a socket may keep them for as
   * long as it has to.
   */
  write(name: string, subject: string, args: readonly (string | number)[]): Buffer {
    this.#makeRoom(subject, args)
    const start = this.#end
    this.#line(COUNT, args.length + 2)
    this.#text(name)
    this.#text(subject)
    for (const argument of args) this.#text(typeof argument === 'string' ? argument : String(argument))
    return this.#slab.subarray(start, this.#end)
  }

  #makeRoom(subject: string, args: readonly (string | number)[]): void {
    let most = 4 * LINES + 3 * subject.length
    // A code unit is at most three bytes in UTF-8.
    for (const argument of args) most += LINES + (typeof argument === 'string' ? 3 * argument.length : NUMBER)
    if (this.#slab.length - this.#end >= most) return
    this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB, most))
    this.#end = 0
  }

  #text(text: string): void {
    if (text.length < SHORT && this.#ascii(text)) return
    const size = Buffer.byteLength(text)
    this.#line(LENGTH, size)
    this.#end += this.#slab.write(text, this.#end, size === text.length ? 'latin1' : 'utf8')
    this.#newLine()
  }

  /** Writes a text if it is ASCII; returns false if it is not, and nothing was written. */
  #ascii(text: string): boolean {
    const start = this.#end
    this.#line(LENGTH, text.length)
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index)
      if (unit > 127) {
        this.#end = start
        return false
      }
      this.#slab[this.#end++] = unit
    }
    this.#newLine()
    return true
  }

  #line(kind: number, number: number): void {
    this.#slab[this.#end++] = kind
    if (number < 10) this.#slab[this.#end++] = ZERO + number
    else if (number < 100) {
      this.#slab[this.#end++] = ZERO + Math.trunc(number / 10)
      this.#slab[this.#end++] = ZERO + (number % 10)
    } else this.#end += this.#slab.write(String(number), this.#end, 'latin1')
    this.#newLine()
  }

  #newLine(): void {
    this.#slab[this.#end++] = CR
    this.#slab[this.#end++] = LF
  }
}
