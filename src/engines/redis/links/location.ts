/** An address of a server. */
export interface Address {
  host: string
  port: number
}

/** The user name and password for a server; what is undefined is not sent. */
export interface Login {
  username?: string
  password?: string
}

/** The address of Redis: one server, nodes of a Cluster, or Sentinels that name the master. */
export type Location = Login & { addresses: readonly Address[]; tls: boolean } & (
    | { kind: 'standalone'; database: number }
    | { kind: 'cluster' }
    | { kind: 'sentinel'; name: string; database: number; sentinel: Login }
  )

const PORT = 6379
const SENTINEL_PORT = 26379

/**
 * Reads `redis[s]://user:password@host:port/db`, several of them by comma for a Cluster, or
 * `redis-sentinel://user:password@host:port,host:port/name/db?sentinelUsername=…&sentinelPassword=…`, where user and password are those
 * of the servers. Throws a `TypeError` if it is none of these.
 */
export function parseLocation(text: string): Location {
  if (/^redis-sentinel:/.test(text)) return parseSentinels(text)
  const urls = text.split(',').map((url) => new URL(url))
  if (urls.some(({ protocol }) => !/^rediss?:$/.test(protocol)))
    throw new TypeError('not the address of a Redis')
  const shared = {
    addresses: urls.map((url) => addressOf(url, PORT)),
    tls: urls[0]!.protocol === 'rediss:',
    ...loginOf(urls[0]!.username, urls[0]!.password),
  }
  if (urls.length > 1) return { kind: 'cluster', ...shared }
  return { kind: 'standalone', database: Number(urls[0]!.pathname.slice(1)), ...shared }
}

/** Reads the address of Sentinels. A `URL` cannot have a list of hosts, so each is parsed by itself. */
function parseSentinels(text: string): Location {
  const match = /^redis-sentinel:\/\/(?:([^@/?]*)@)?([^@/?]+)\/([^/?]+)(?:\/(\d*))?(?:\?(.*))?$/.exec(text)
  if (match === null) throw new TypeError('not the address of a Sentinel')
  const [, login = '', hosts, name, database, query] = match
  const [username = '', ...password] = login.split(':')
  const parameters = new URLSearchParams(query)
  const sentinel: Login = {}
  for (const [key, value] of parameters)
    if (key === 'sentinelUsername') sentinel.username = value
    else if (key === 'sentinelPassword') sentinel.password = value
    else throw new TypeError('not a parameter of a Sentinel')
  return {
    kind: 'sentinel',
    addresses: hosts!.split(',').map((host) => addressOf(new URL(`redis://${host}`), SENTINEL_PORT)),
    tls: false,
    name: decodeURIComponent(name!),
    database: Number(database ?? 0),
    sentinel,
    ...loginOf(username, password.join(':')),
  }
}

const addressOf = ({ hostname, port }: URL, usual: number): Address => ({
  host: hostname.replace(/^\[|\]$/g, ''),
  port: port === '' ? usual : Number(port),
})

const loginOf = (username: string, password: string): Login => ({
  ...(username === '' ? {} : { username: decodeURIComponent(username) }),
  ...(password === '' ? {} : { password: decodeURIComponent(password) }),
})
