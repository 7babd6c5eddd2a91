import { ServiceError } from '../core/model/errors.ts'
import type { NotificationInput } from '../core/model/notification.ts'
import type { Publisher } from '../core/publishing/publisher.ts'

/** What is in the inbox from the start; the examples of the API documentation name them by their tags. */
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

/** Puts something into the inbox of the user `demo`, unless it is there, so that the first look at a development server shows something. */
export async function welcome(publisher: Publisher): Promise<void> {
  try {
    // Whatever is there has this version at least, and stays as it is.
    for (const input of INBOX)
      await publisher.notify('demo', { ...input, version: 0 }, { credential: 'tabcast' })
  } catch (error) {
    // Without its engine the server starts all the same; the page just has nothing to show yet.
    if (!(error instanceof ServiceError)) throw error
  }
}
