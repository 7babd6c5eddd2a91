/** A safeguard, how to take it out, and the test that must notice. */
export interface Mutation {
  safeguard: string
  /** The module to replace, from the root of the project. */
  module: string
  /** The text that the safeguard consists of, exactly once in the module, and what stands there without it. */
  find: string
  replace: string
  /** The test file that must go red, and the part of a test's name that chooses the test. */
  test: string
  name: string
}

/** A safeguard in a Lua script: the module that reads the scripts replaces the text. */
const inScript = (find: string, replace: string): Pick<Mutation, 'module' | 'find' | 'replace'> => ({
  module: 'src/engines/redis/scripts/scripts.ts',
  find: "import.meta.url), 'utf8')",
  replace: `import.meta.url), 'utf8').replace(${JSON.stringify(find)}, ${JSON.stringify(replace)})`,
})

/** Every safeguard of the promise. Each is taken out by itself, and the test that is named must fail. */
export const mutations: readonly Mutation[] = [
  {
    safeguard: 'Idempotency in SQLite: a key that is known stores nothing',
    module: 'src/engines/embedded/broker.ts',
    find: 'if (known !== undefined) return',
    replace: 'if (known !== undefined && false) return',
    test: 'test/engines/embedded/contract.test.ts',
    name: 'the same key 50 times at once is one entry',
  },
  {
    safeguard: 'Idempotency in Redis: a key that is known stores nothing',
    ...inScript('if known then\n  local fingerprint', 'if false then\n  local fingerprint'),
    test: 'test/engines/redis/contract.test.ts',
    name: '^Redis > idempotency > the same key 50 times',
  },
  {
    safeguard: 'Commit before answer and delivery: nobody hears of what a killed process could number again',
    module: 'src/engines/embedded/tables/transactions.ts',
    find: `this.#begin = database.prepare('BEGIN')
    this.#commit = database.prepare('COMMIT')`,
    replace: `database.exec('BEGIN')
    this.#begin = this.#commit = database.prepare('SELECT 1')`,
    test: 'test/engines/embedded/kill.test.ts',
    name: 'what a killed process had acknowledged',
  },
  {
    safeguard: 'Merge on join: what is published during a replay waits and is released after it',
    module: 'src/core/delivery/replay-buffer.ts',
    find: 'this.#items.push(held)',
    replace: '',
    test: 'test/core/delivery/hub.test.ts',
    name: 'what is published while the log is read',
  },
  {
    safeguard: 'Merge on join: what the replay brought is not released again',
    module: 'src/core/delivery/subscription.ts',
    find: 'seq <= this.#seq',
    replace: 'false',
    test: 'test/core/delivery/subscription.test.ts',
    name: 'what a replay brought',
  },
  {
    safeguard: 'Merge on join: from now is from where a tab joined, not from when its log is read',
    module: 'src/core/delivery/subscription.ts',
    find: 'cursor.seq === undefined ? this.position : cursor',
    replace: 'cursor',
    test: 'test/sockets/from-now.test.ts',
    name: 'what was counted as sent while the user’s log was read',
  },
  {
    safeguard: 'Hole repair: what does not follow directly is read from the log first',
    module: 'src/core/delivery/feed.ts',
    find: '|| publication.seq > seq + 1',
    replace: '',
    test: 'test/core/delivery/hub.test.ts',
    name: 'a lost message is repaired from the log',
  },
  {
    safeguard: 'Position check: a lost message that nothing follows is found',
    module: 'src/core/delivery/feed.ts',
    find: 'if (this.#closed || this.#backlog !== undefined || !behind) return',
    replace: 'return',
    test: 'test/core/delivery/hub.test.ts',
    name: 'a lost message that nothing follows',
  },
  {
    safeguard: 'Check of idle channels: every 30 seconds, whether anything comes or not',
    module: 'src/core/delivery/hub.ts',
    find: 'setInterval(() => this.#checkAll()',
    replace: 'setInterval(() => undefined',
    test: 'test/core/delivery/hub.test.ts',
    name: 'a lost message on an idle channel',
  },
  {
    safeguard: 'Check after a cut: topics that are back are compared with the log',
    module: 'src/core/delivery/hub.ts',
    find: 'engine.broker.onRestored(() => this.#checkAll())',
    replace: '',
    test: 'test/core/delivery/hub.test.ts',
    name: 'a lost message that nothing follows',
  },
  {
    safeguard: 'Canary: a listening connection that stays silent is replaced',
    module: 'src/engines/redis/probe.ts',
    find: 'broker.replaceSubscription(channel)',
    replace: '',
    test: 'test/engines/redis/silence.test.ts',
    name: 'a single Redis: a subscribing connection',
  },
  {
    safeguard: 'Marker: a store that has forgotten something is noticed on a quiet channel',
    module: 'src/engines/redis/probe.ts',
    find: 'if (!(await marker())) broker.restored()',
    replace: 'await marker()',
    test: 'test/engines/redis/wipe.test.ts',
    name: 'a wipe reaches the tabs',
  },
  {
    safeguard: 'Paged repair: the next page waits until the last has been drained',
    module: 'src/core/delivery/feed.ts',
    find: 'await this.#fanOut.drained()',
    replace: '',
    test: 'test/core/delivery/repair.test.ts',
    name: 'the next page is read when',
  },
  {
    safeguard: 'Progress: what waits goes before whatever follows it',
    module: 'src/core/delivery/coalescer.ts',
    find: 'this.flush()\n    this.#handOn(publication)',
    replace: 'this.#handOn(publication)',
    test: 'test/core/delivery/progress.test.ts',
    name: 'a plain notification goes at once',
  },
  {
    safeguard: 'Progress: what waits goes before what a repair has read',
    module: 'src/core/delivery/fan-out.ts',
    find: 'this.#coalescer.flush()\n    const [first]',
    replace: 'const [first]',
    test: 'test/core/delivery/progress.test.ts',
    name: 'a repair in the middle',
  },
  {
    safeguard: 'Progress: a subscription gets the position where it stands, not where the feed does',
    module: 'src/core/delivery/fan-out.ts',
    find: 'const before = this.#handedOn\n    const { seq, epoch } = publication',
    replace: 'const { seq, epoch } = publication\n    const before = { seq, epoch }',
    test: 'test/core/delivery/progress.test.ts',
    name: 'a channel that nobody hears',
  },
  {
    safeguard: 'Counts in Redis: a mark that changes nothing counts nothing',
    ...inScript('if not at or marked(before) == before then', 'if not at then'),
    test: 'test/engines/redis/contract.test.ts',
    name: '^Redis > an inbox that many work on at once > agrees',
  },
  {
    safeguard: 'Epoch: a cursor of another run is no position in this one',
    module: 'src/core/model/position.ts',
    find: 'if (index < 0) {',
    replace: 'if (index < -1) {',
    test: 'test/sockets/connect.test.ts',
    name: 'a cursor of another run',
  },
  {
    safeguard: 'Epoch: a store that lost a failover is known by the first seq of the next run',
    module: 'src/core/model/position.ts',
    find: 'if (seq >= end) {',
    replace: 'if (seq > Number.MAX_SAFE_INTEGER) {',
    test: 'test/core/model/position.test.ts',
    name: 'continuity is never claimed wrongly',
  },
  {
    safeguard: 'Epoch: those who saw more than a store that comes back older, in no new run, get a gap',
    module: 'src/core/delivery/feed.ts',
    find: ' || head.seq < before.seq',
    replace: '',
    test: 'test/core/delivery/subscriptions-apart.test.ts',
    name: 'saw all that was lost',
  },
  {
    safeguard: 'Epoch: a subscription that read ahead of its feed asks the log itself what it has lost',
    module: 'src/core/delivery/subscription.ts',
    find: 'if (!isBehind && !this.#isAt(before)) return false',
    replace: '',
    test: 'test/core/delivery/subscriptions-apart.test.ts',
    name: 'saw what its feed did not',
  },
  {
    safeguard: 'Floor in SQLite: what retention removed is remembered',
    module: 'src/engines/embedded/tables/log.ts',
    find: 'row.floor = Math.max(row.floor, last)',
    replace: 'void last',
    test: 'test/engines/embedded/contract.test.ts',
    name: 'a gap says what was between',
  },
  {
    safeguard: 'Floor in Redis: what retention removed is remembered',
    ...inScript(
      "lib.raise_floor(user, string.match(redis.call('LPOP', key), '^%d+'))",
      "redis.call('LPOP', key)",
    ),
    test: 'test/engines/redis/contract.test.ts',
    name: '^Redis > retention > a gap says',
  },
  {
    safeguard: 'Ends in Redis: one that is noted while somebody looks for an earlier one is looked for, too',
    ...inScript('known - 1', 'known'),
    test: 'test/engines/redis/lifetimes.test.ts',
    name: 'an end that is noted while somebody looks',
  },
  {
    safeguard: 'Ends in Redis: one that comes before an earlier one is found',
    ...inScript('local apart = ends < last', 'local apart = false'),
    test: 'test/engines/redis/contract.test.ts',
    name: '^Redis > the log behind an inbox > a retention that was made shorter',
  },
  {
    safeguard: 'Lifetimes in Redis: an inbox that is written to is kept for longer than what is in it',
    ...inScript(
      "local key = user.base .. ':' .. name\n  redis.call('SETRANGE'",
      "local key = user.base .. ':' .. name\n  user.lifetime = 1000 redis.call('SETRANGE'",
    ),
    test: 'test/engines/redis/lifetimes.test.ts',
    name: 'an inbox outlasts everything',
  },
  {
    safeguard:
      'Lists in Redis: one that has expired or was evicted is admitted, and its counts are forgotten',
    ...inScript('if size ~= items + holes + 1 then', 'if false then'),
    test: 'test/engines/redis/lifetimes.test.ts',
    name: 'a list that is gone is gone from the counts.*publish',
  },
  {
    safeguard: 'Times in Redis: updatedAt never falls, whatever the clocks say',
    ...inScript('seq + 1, math.max(updated, given_updated)', 'seq + 1, given_updated'),
    test: 'test/engines/redis/contract.test.ts',
    name: '^Redis > the times in an inbox > updatedAt never falls',
  },
  {
    safeguard: 'States in Redis: a replacement keeps them',
    ...inScript('if old then lib().keep_times(user, size - 1, old.times) end', ''),
    test: 'test/engines/redis/contract.test.ts',
    name: '^Redis > the log behind an inbox > hundreds that are replaced',
  },
  {
    safeguard: 'States in Redis: they move along when holes are taken away',
    ...inScript(
      "for _, name in ipairs({'index', unpack(lib.STRINGS)}) do\n    local bytes",
      "for _, name in ipairs({'index', 'flags'}) do\n    local bytes",
    ),
    test: 'test/engines/redis/contract.test.ts',
    name: '^Redis > the log behind an inbox > hundreds that are replaced',
  },
  {
    safeguard: 'Unwritten logs: a position of a store that was wiped is none',
    module: 'src/core/model/position.ts',
    find: "if (incarnationOf(epoch) !== identity) return gap('wiped')",
    replace: '',
    test: 'test/core/model/position.test.ts',
    name: 'of a store that was wiped',
  },
  {
    safeguard: 'Upgrade in Redis: a process of version 0.1 fails before it has written',
    ...inScript("redis.call('SET', meta, 'moved", "redis.call('SET', meta .. ':', 'moved"),
    test: 'test/engines/redis/adopt.test.ts',
    name: 'a process of version 0.1',
  },
  {
    safeguard: 'Receipts: what a tab was not sent it cannot acknowledge',
    module: 'src/sockets/events/inbox-events.ts',
    find: 'subscription?.ackWindow.above',
    replace: '0',
    test: 'test/sockets/events/inbox-events.test.ts',
    name: 'who joined',
  },
  {
    safeguard: 'Byte budget: a tab that does not read is closed',
    module: 'src/sockets/tab-connection.ts',
    find: "if (this.#options.backlog.isExceeded) this.close('slow')",
    replace: '',
    test: 'test/sockets/bad-input.test.ts',
    name: 'a tab that does not read is closed',
  },
  {
    safeguard: 'Bounded queue: what the engine cannot take in time is refused at once',
    module: 'src/core/publishing/publisher.ts',
    find: 'return Math.max(0, this.#maxWaiting - this.#waiting)',
    replace: 'return 1',
    test: 'test/api/http/admission.test.ts',
    name: 'one more is refused at once',
  },
  {
    safeguard: 'Replicas: with REDIS_WAIT, what too few of them have is no 2xx',
    module: 'src/engines/redis/links/replicas.ts',
    find: 'if (round.replicas < this.#wanted)',
    replace: 'if (false)',
    test: 'test/engines/redis/links/replicas.test.ts',
    name: 'without the replica',
  },
  {
    safeguard:
      'Deadlines in Redis: a command without an answer is given up in time, whatever else is awaited',
    module: 'src/engines/redis/links/deadline.ts',
    find: 'this.#timer = this.#first && this.#lookIn(this.#first.due - now)',
    replace: '',
    test: 'test/engines/redis/links/deadline.test.ts',
    name: 'each of many has its own deadline',
  },
  {
    safeguard:
      'Scripts in Redis: a server that has lost one is sent it again, and the call takes effect once',
    module: 'src/engines/redis/links/script.ts',
    find: 'void script.send(this)',
    replace: 'reject(error)',
    test: 'test/engines/redis/links/script.test.ts',
    name: 'a server that has lost the script',
  },
  {
    safeguard: 'Drain: what was accepted is flushed before a connection is closed',
    module: 'src/sockets/engine-io/engine-socket.ts',
    find: 'conn.close(discard)',
    replace: 'conn.close(true)',
    test: 'test/sockets/engine-io/drain.test.ts',
    name: 'flushes what was accepted.+: ."polling".$',
  },
  {
    safeguard: 'Accept limit: handshakes beyond the rate are refused',
    module: 'src/sockets/io-server.ts',
    find: "accepted.take() ? undefined : 'rate'",
    replace: 'undefined',
    test: 'test/sockets/accept-limit.test.ts',
    name: 'are refused with 503 by both transports',
  },
  {
    safeguard: 'Limit per user: one connection more than allowed is closed',
    module: 'src/core/session/user-limit.ts',
    find: 'if (count >= this.#max) return false',
    replace: '',
    test: 'test/sockets/limits.test.ts',
    name: 'are counted over both transports',
  },
  {
    safeguard: 'Schedule: what several processes publish at its time is stored once',
    module: 'src/core/publishing/scheduler.ts',
    find: 'item, idempotency }',
    replace: 'item }',
    test: 'test/engines/embedded/contract.test.ts',
    name: '^embedded > the schedule > of two processes that publish it at once',
  },
  {
    safeguard: 'Webhooks: what one process is sending, no other sends',
    module: 'src/engines/embedded/webhook-queue.ts',
    find: 'take.run(token, until, id!)',
    replace: 'take.run(token, now, id!)',
    test: 'test/webhooks/dispatcher.test.ts',
    name: 'several processes send each once',
  },
  {
    safeguard: 'Webhooks: the address that is connected to is checked',
    module: 'src/webhooks/sender.ts',
    find: 'this.#named = allowPrivate',
    replace: 'this.#named = true',
    test: 'test/webhooks/dispatcher.test.ts',
    name: 'a call cannot reach one as a name$',
  },
  {
    safeguard: 'Stream: the id of an entry is its idempotency key',
    module: 'src/bridges/redis-stream.ts',
    find: 'idempotencyKey: id.toString()',
    replace: 'idempotencyKey: randomUUID()',
    test: 'test/bridges/redis-stream.test.ts',
    name: 'an entry that comes again under its id',
  },
  {
    safeguard: 'Memberships: after a loss, what is stored counts',
    module: 'src/core/delivery/subscription.ts',
    find: 'this.connection.handleLoss(this.channel)',
    replace: '',
    test: 'test/core/session/membership-controls.test.ts',
    name: 'and whose entry was trimmed',
  },
  {
    safeguard: 'Default deny: what nothing grants is not heard',
    module: 'src/core/session/grants.ts',
    find: 'memberships.has(room)',
    replace: 'true',
    test: 'test/sockets/default-deny.test.ts',
    name: 'a room that was not granted',
  },
  {
    safeguard: 'Processes of one port: an engine session that another has is passed on to it',
    module: 'src/cluster/siblings.ts',
    find: 'return id === this.#self.id ? undefined : id',
    replace: 'return undefined',
    test: 'test/cluster/pass-on.test.ts',
    name: 'an engine session is reached through every process',
  },
  {
    safeguard: 'Faults in SQLite: a mistake of our own is no database that is away',
    module: 'src/engines/embedded/tables/transactions.ts',
    find: 'if (errcode === undefined || !STORE_STATES.has(errcode & 0xff)) return internalError(error)',
    replace: '',
    test: 'test/api/http/faults.test.ts',
    name: 'a TypeError in a transaction',
  },
  {
    safeguard: 'Faults in SQLite: the calls of the same transaction are stored without the one that failed',
    module: 'src/engines/embedded/tables/transactions.ts',
    find: 'for (const other of others) this.#write([other])',
    replace: 'for (const other of others) other.reject(translated)',
    test: 'test/api/http/faults.test.ts',
    name: 'however many fail in one transaction',
  },
  {
    safeguard: 'Faults in Redis: a mistake of our own is no Redis that is away',
    module: 'src/engines/redis/links/translate.ts',
    find: "if (!STORE_STATES.has(message.split(' ', 1)[0]!) && !FULL.test(message)) return internalError(error)",
    replace: '',
    test: 'test/api/http/faults.test.ts',
    name: 'a key of the wrong type',
  },
  {
    safeguard: 'Faults of a repair: the tab hears of what cannot be read',
    module: 'src/core/delivery/feed.ts',
    find: 'await this.#skipToEnd()',
    replace: '',
    test: 'test/core/delivery/faults.test.ts',
    name: 'a repair that throws a TypeError',
  },
]

/** A module's text without the safeguard of the mutation; other modules as they are. Throws if the text no longer has it. */
export function mutated({ module, find, replace }: Mutation, path: string, text: string): string {
  if (!path.endsWith(`/${module}`)) return text
  if (text.split(find).length !== 2) throw new Error(`${module} does not have exactly once: ${find}`)
  return text.replace(find, () => replace)
}
