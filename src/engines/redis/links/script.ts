import { hash } from 'node:crypto'
import { type Cluster, Command, type Redis } from 'ioredis'
import { CommandWriter } from './command-writer.ts'

/** An argument of a script, or one of its keys. */
export type Argument = string | number

const writer = new CommandWriter()

/** A Lua script, which a connection is sent once as a whole, and by its hash from then on. */
export class Script {
  readonly #client: Redis | Cluster
  readonly #lua: string
  readonly #sha1: string
  /** The sockets whose servers have it, as far as is known. */
  readonly #known = new WeakSet<object>()

  constructor(client: Redis | Cluster, lua: string) {
    this.#client = client
    this.#lua = lua
    this.#sha1 = hash('sha1', lua)
  }

  /**
   * Runs it, and resolves to its reply, in which texts are Buffers without an `encoding`. `args`: the number of keys, the keys and the
   * arguments; they are kept until then. Rejects like the commands of ioredis.
   */
  run(args: Argument[], encoding?: 'utf8'): Promise<unknown> {
    return this.send(new ScriptCommand(this, args, encoding))
  }

  /** Sends a call of it, for the first time or again. */
  send(command: ScriptCommand): Promise<unknown> {
    return this.#client.sendCommand(command) as Promise<unknown>
  }

  /** The bytes of a call for a socket. `args`: as in `run`. */
  write(socket: object, args: readonly Argument[]): Buffer {
    if (this.#known.has(socket)) return writer.write('evalsha', this.#sha1, args)
    this.#known.add(socket)
    return writer.write('eval', this.#lua, args)
  }

  /** Has the next call on a socket send the whole script: its server has said that it has no such script. */
  forget(socket: object): void {
    this.#known.delete(socket)
  }
}

/** One call of a script. A server that has lost the script has done nothing, so that the call is then sent once more. */
class ScriptCommand extends Command {
  readonly #script: Script
  #socket: object | undefined
  #repeated = false

  constructor(script: Script, args: Argument[], encoding: 'utf8' | undefined) {
    // The constructor would copy the arguments twice, and turn numbers into texts.
    super('evalsha', [], encoding === undefined ? {} : { replyEncoding: encoding })
    this.args = args
    this.#script = script
    const { reject } = this
    this.reject = (error) => {
      if (this.#repeated || this.#socket === undefined || !error.message.startsWith('NOSCRIPT')) {
        reject(error)
        return
      }
      this.#repeated = true
      script.forget(this.#socket)
      void script.send(this)
    }
  }

  /** Called by ioredis on a Cluster, to find the server. */
  override getKeys(): string[] {
    return this.args.slice(1, 1 + Number(this.args[0])) as string[]
  }

  /** Called by ioredis when it writes the command. */
  override toWritable(socket: object): Buffer {
    this.#socket = socket
    return this.#script.write(socket, this.args as Argument[])
  }
}
