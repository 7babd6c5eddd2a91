import { createSignatures, type TokenKeys } from './token-signatures.ts'
import { createTokenSigner, type TokenSigner } from './token-signer.ts'
import { type ApiTokenVerifier, createTokenVerifier } from './token-verifier.ts'

/** The ways to check tokens and to make them. */
export interface Tokens {
  verifier: ApiTokenVerifier
  /** Undefined where tokens are only checked. */
  sign: TokenSigner | undefined
}

/** Sets up the keys of tokens. Rejects if one cannot be read. */
export async function createTokens(keys: TokenKeys): Promise<Tokens> {
  const { check, sign } = await createSignatures(keys)
  return { verifier: createTokenVerifier(check), sign: createTokenSigner(sign) }
}
