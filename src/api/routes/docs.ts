import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'

declare const ui: { preauthorizeApiKey(scheme: string, value: string): void }

/**
 * Runs in the browser, when Swagger UI has loaded. It fetches the key, which is not written into the script: any page can include a script,
 * but only ours can read the answer to this call.
 */
function authorize(): void {
  void fetch('/demo/session?user=demo').then(async (response) => {
    if (!response.ok) return
    const { apiKey, token } = (await response.json()) as { apiKey: string | null; token: string }
    // Null if the operator gave the keys: then the server knows only their hashes.
    if (apiKey !== null) ui.preauthorizeApiKey('credential', apiKey)
    ui.preauthorizeApiKey('userToken', token)
  })
}

/** Registers Swagger UI at `/docs`; in development it has the key and a token already, so that the first click gets an answer. */
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
