import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import type { Published } from '../../core/engine/broker.ts'
import { isFault } from '../../core/lifecycle/faults.ts'
import { ServiceError } from '../../core/model/errors.ts'
import type { Publisher } from '../../core/publishing/publisher.ts'
import type { Access } from '../auth/credentials.ts'
import type { ApiCounts } from '../http/metrics.ts'
import { baseOf, problemOf, sendProblem, toServiceError } from '../http/problem.ts'
import { countPublished, outcomeOf, publishOptionsOf, statusOf } from '../http/published.ts'
import { refuseWait, wantId } from '../http/requests.ts'
import { refusal } from '../http/validation-faults.ts'
import { publishHeaders } from '../schemas/common.ts'
import { manyBody, storedForAll, storedForSome } from '../schemas/many.ts'
import { bodyProblems, problems } from '../schemas/problem.ts'

/** The parts that the route works with. */
export interface NotifyManyOptions {
  access: Access
  publisher: Publisher
  counts: ApiCounts
  /** Hears of faults of our own. */
  report(error: unknown): void
}

/** Registers `POST /notify`. */
export function registerNotifyMany(
  app: FastifyInstance,
  { access, publisher, counts, report }: NotifyManyOptions,
): void {
  app.withTypeProvider<TypeBoxTypeProvider>().post(
    '/notify',
    {
      onRequest: access('notify:write'),
      schema: {
        operationId: 'notifyMany',
        tags: ['notifications'],
        summary: 'Notify many users at once',
        description: DESCRIPTION,
        headers: publishHeaders,
        body: manyBody,
        response: { 200: storedForAll, 207: storedForSome, ...bodyProblems(), ...problems(422) },
      },
    },
    async (request, reply) => {
      refuseWait(request.headers.prefer)
      const { notification } = request.body
      const users = wantUsers(request.body.users)
      const attempts = await publisher
        .notifyMany(users, notification, publishOptionsOf(request))
        .catch((error: unknown) => Promise.reject(within('/notification', error)))
      const outcomes = attempts.map((one) =>
        one.status === 'fulfilled' ? one.value : errorOf(one.reason, report),
      )
      const base = baseOf(request)
      const results = outcomes.map((one, index) => resultOf(users[index]!, one, base))
      const failures = outcomes.filter((one) => one instanceof ServiceError)
      countEach(outcomes, counts)
      if (failures.length === outcomes.length)
        // If a repeat can help one of them, the answer asks for the repeat.
        return sendProblem(request, reply, failures.find(({ temporary }) => temporary) ?? failures[0]!, {
          results,
        })
      if (outcomes.every((one) => !(one instanceof ServiceError) && one.replayed))
        reply.header('idempotent-replayed', 'true')
      reply.code(failures.length === 0 ? 200 : 207)
      return { results }
    },
  )
}

const DESCRIPTION = [
  'Stored for each user as with a call of their own, all at the same time, with a result per user. Wants the scope `notify:write`.',
  'The idempotency key counts per user: a repeated call completes what is missing, and answers for the others as before.',
  'While too many publishes wait to be stored, the call is refused as a whole; once it is let in, no user is refused for lack of capacity. If it could be stored for nobody, the problem has `results`, too.',
].join('\n\n')

/** Returns the users. Throws `invalid_request` if one is not a user's id, or is there twice. */
function wantUsers(users: readonly string[]): readonly string[] {
  const known = new Set<string>()
  const twice = users.flatMap((user, index) => {
    wantId(user, `/users/${index}`)
    return known.size === known.add(user).size
      ? [{ pointer: `/users/${index}`, detail: 'is there a second time' }]
      : []
  })
  if (twice.length > 0) throw refusal('invalid_request', twice)
  return users
}

/** The same error, with `pointer` in front of its own pointers. */
function within(pointer: string, error: unknown): unknown {
  if (!(error instanceof ServiceError) || error.faults.length === 0) return error
  return refusal(
    'invalid_request',
    error.faults.map((fault) => ({ ...fault, pointer: pointer + fault.pointer })),
  )
}

function countEach(outcomes: readonly (Published | ServiceError)[], counts: ApiCounts): void {
  for (const one of outcomes)
    if (!(one instanceof ServiceError)) countPublished(one, counts)
    else counts.errors[one.code] = (counts.errors[one.code] ?? 0) + 1
}

function errorOf(reason: unknown, report: (error: unknown) => void): ServiceError {
  const error = toServiceError(reason as Error & { code: string; name: string })
  if (isFault(error)) report(error)
  return error
}

function resultOf(user: string, one: Published | ServiceError, base: string) {
  if (one instanceof ServiceError) return { user, status: one.status, problem: problemOf(one, { base }) }
  return { user, status: statusOf(one), ...outcomeOf(one), ...(one.replayed ? { replayed: true } : {}) }
}
