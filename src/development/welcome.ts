import { ServiceError } from '../core/model/errors.ts'
import type { NotificationInput } from '../core/model/notification.ts'
import type { Publisher } from '../core/publishing/publisher.ts'

/** The notifications in the inbox at the start; the examples of the API documentation name them by their tags. */
const INBOX: readonly NotificationInput[] = [
  {
    tag: 'release-notes',
    title: 'What can be sent',
    body: 'The pages at /docs send it with one click.',
    type: 'tabcast.release-notes',
    urgency: 'low',
    url: '/docs',
  },
  {
    tag: 'export-41',
    title: 'Your export is ready',
    type: 'export.finished',
    urgency: 'low',
    progress: { status: 'succeeded', value: 1284, max: 1284, text: '1,284 rows' },
  },
  {
    tag: 'welcome',
    title: 'Welcome to Tabcast',
    body: 'This notification was stored when the server started. The next one is yours to send.',
    type: 'tabcast.welcome',
    data: { docs: '/docs' },
  },
]

/** Puts notifications into the inbox of the user `demo`, unless they are there, so that a new development server has something to show. */
export async function welcome(publisher: Publisher): Promise<void> {
  try {
    // One that is there has this version or a higher one, and stays as it is.
    for (const input of INBOX)
      await publisher.notify('demo', { ...input, version: 0 }, { credential: 'tabcast' })
  } catch (error) {
    // A server without its engine starts all the same; the page just has nothing to show yet.
    if (!(error instanceof ServiceError)) throw error
  }
}
