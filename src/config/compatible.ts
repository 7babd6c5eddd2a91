/** The APIs for callers of others: each is closed until its variable is set. */

import type { Environment } from './variables.ts'

/** The settings of the compatible APIs. */
export interface CompatibleSettings {
  /** Undefined: closed. */
  pusher: PusherSettings | undefined
  /** True if `GET /?name=…` is open. */
  get: boolean
}

/** The three that a Pusher SDK is configured with. */
export interface PusherSettings {
  appId: string
  key: string
  secret: string
}

/** Reads the variables of the compatible APIs, and notes what is wrong with them. */
export const compatibleOf = (env: Environment, faults: string[]): CompatibleSettings => ({
  pusher: pusherOf(env.PUSHER_API, faults),
  get: env.GET_API === 'on',
})

function pusherOf(text: string | undefined, faults: string[]): PusherSettings | undefined {
  if (text === undefined) return undefined
  const [, appId, key, secret] = /^([\w-]+):([\w-]+):(\S+)$/.exec(text) ?? []
  if (appId === undefined || key === undefined || secret === undefined) {
    // It holds a secret, so it is not repeated.
    faults.push('PUSHER_API must be app_id:key:secret, such as 1:app-key:a-long-secret')
    return undefined
  }
  return { appId, key, secret }
}
