import { ServiceError } from './core/errors.ts'
import type { Publisher } from './core/publisher.ts'

/** Puts something into the inbox of the user `demo`, once a day, so that the first look at a development server shows something. */
export async function welcome(publisher: Publisher): Promise<void> {
  try {
    await publisher.notify(
      'demo',
      {
        title: 'Welcome to Tabcast',
        body: 'This notification was stored when the server started. The next one is yours to send.',
        type: 'tabcast.welcome',
        data: { docs: '/docs' },
      },
      { credential: 'tabcast', idempotencyKey: 'welcome' },
    )
  } catch (error) {
    // Without its engine the server starts all the same; the page just has nothing to show yet.
    if (!(error instanceof ServiceError)) throw error
  }
}
