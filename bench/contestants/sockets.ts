/** The Socket.IO server of `stock` and of the workers of `tutorial`: a token at CONNECT, and a room for each user. */
import { createVerifier } from 'fast-jwt'
import type { Server } from 'socket.io'

/** Lets in who has a token, and puts them into the room of their user. */
export function admitByToken(io: Server): void {
  const verify = createVerifier({
    key: process.env.JWT_SECRET!,
    algorithms: ['HS256'],
    allowedAud: 'tabcast',
  })
  io.use((socket, next) => {
    try {
      const { sub } = verify(socket.handshake.auth.token) as { sub: string }
      void socket.join(`user:${sub}`)
      next()
    } catch {
      next(new Error('token_invalid'))
    }
  })
}
