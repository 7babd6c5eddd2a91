import type { TokenSigner } from '../api/auth/token-signer.ts'
import type { DemoOptions } from '../api/routes/pages.ts'
import type { Config } from '../config/config.ts'
import type { Engine } from '../core/engine/engine.ts'

/** How long a token of the development page is good for, in seconds: short, so that going on with a new one is seen to work. */
const TOKEN_SECONDS = 600

/** What the page of a development server is given. */
export function demoSettings(
  { role, sockets }: Config,
  engine: Engine,
  apiKey: string | undefined,
  sign: TokenSigner,
): DemoOptions {
  return {
    role,
    apiKey,
    socketPath: sockets.path,
    mint: (user) => sign({ user, ttl: TOKEN_SECONDS, rooms: ['*'] }).token,
    peers: () => engine.registry.peers(),
  }
}
