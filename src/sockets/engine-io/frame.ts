import type { Publication } from '../../core/model/publication.ts'

/** Engine.IO's `message` and Socket.IO's `EVENT` in the main namespace: the text before the JSON in a websocket frame. */
const PREFIX = '42'
const HEAD = 2 + PREFIX.length

/** The frames of publications that are still on their way. Kept here and not with the publication: another transport has another encoding. */
const frames = new WeakMap<Publication, Buffer>()

/** The last one that was asked for: a room asks for the same one thousands of times. */
let last: { publication: Publication; frame: Buffer } | undefined

/**
 * Returns a publication as one unmasked websocket text frame (RFC 6455 §5.2), ready for the socket. It is made once, however many tabs
 * receive it.
 */
export function frameOf(publication: Publication): Buffer {
  if (last?.publication === publication) return last.frame
  let frame = frames.get(publication)
  if (frame === undefined) {
    frame = encodeFrame(publication.packet)
    frames.set(publication, frame)
  }
  last = { publication, frame }
  return frame
}

function encodeFrame(packet: Buffer): Buffer {
  const length = PREFIX.length + packet.length
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const frame = Buffer.allocUnsafe(HEAD + extra + packet.length)
  frame[0] = 0x81
  if (extra === 0) frame[1] = length
  else if (extra === 2) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.write(PREFIX, 2 + extra, 'latin1')
  packet.copy(frame, HEAD + extra)
  return frame
}

/** Returns a publication as a Socket.IO packet, for Engine.IO's own way (polling, an upgrade, a backlog). */
export function packetOf(publication: Publication): string {
  return `2${publication.packet.toString()}`
}
