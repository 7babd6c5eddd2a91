import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'

declare const ui: { preauthorizeApiKey(scheme: string, value: string): void }

/**
 * Runs in the browser, when Swagger UI is there. The key is asked for and not written into the script: a script can be included by any
 * page, the answer to this call can only be read by ours.
 */
function authorize(): void {
  void fetch('/demo/session?user=demo').then(async (response) => {
    if (!response.ok) return
    const { apiKey, token } = (await response.json()) as { apiKey: string | null; token: string }
    // Only its hash is known of a key that was given.
    if (apiKey !== null) ui.preauthorizeApiKey('credential', apiKey)
    ui.preauthorizeApiKey('userToken', token)
  })
}

/** Serves Swagger UI at `/docs`; in development it has the key and a token already, so that the first click answers. */
export async function registerDocs(app: FastifyInstance, development: boolean): Promise<void> {
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    theme: { title: 'Tabcast API' },
    uiConfig: {
      tryItOutEnabled: true,
      displayRequestDuration: true,
      ...(development ? { onComplete: authorize } : {}),
    },
  })
}
