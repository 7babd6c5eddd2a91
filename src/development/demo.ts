import type { TokenSigner } from '../api/auth/token-signer.ts'
import type { DemoOptions } from '../api/routes/pages.ts'
import type { Config } from '../config/config.ts'
import type { Engine } from '../core/engine/engine.ts'

/** Seconds until a token of the development page expires: few, so that one sees it go on with a new one. */
const TOKEN_SECONDS = 600

/** The facts that the page of a development server receives. */
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
