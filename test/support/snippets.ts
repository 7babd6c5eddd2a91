import { readFileSync } from 'node:fs'

/** The code blocks of a language in a document of this project, in their order. */
export function snippetsIn(document: string, language: string): string[] {
  const text = readFileSync(new URL(`../../${document}`, import.meta.url), 'utf8')
  return [...text.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map(([, code]) => code!)
}
