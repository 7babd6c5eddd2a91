import { type Browser, chromium, type Page } from 'playwright-core'

/**
 * A real Chromium without a window; it calls nobody but the test's own server. A page that says `127.0.0.1:3000` is led to the port of
 * loopback that `tabcastPort` says.
 */
export function launchBrowser(tabcastPort = 3000): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium-headless-shell',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--host-resolver-rules=MAP 127.0.0.1:3000 127.0.0.1:${tabcastPort}`,
    ],
  })
}

/** Fails the test if the page reports an error that nobody handled. */
export function watchErrors(page: Page, errors: string[]): void {
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
}
