<?php

/** Who is logged in, and the token that tells Tabcast so. JWT_SECRET comes from the environment; Tabcast has the same. */

declare(strict_types=1);

session_start(['cookie_httponly' => true, 'cookie_samesite' => 'Lax']);

/** The user who is logged in; null if nobody is. */
function current_user(): ?string
{
    return $_SESSION['user'] ?? null;
}

/** A token with which the pages of this user may connect for an hour; after that the page fetches a new one. */
function tabcast_token(string $user): string
{
    $secret = getenv('JWT_SECRET') ?: throw new RuntimeException('Set JWT_SECRET to the secret that Tabcast has');
    $encode = static fn (string $text): string => rtrim(strtr(base64_encode($text), '+/', '-_'), '=');
    $claims = ['aud' => 'tabcast', 'sub' => $user, 'iat' => time(), 'exp' => time() + 3600];
    $unsigned = $encode('{"alg":"HS256","typ":"JWT"}') . '.' . $encode(json_encode($claims, JSON_THROW_ON_ERROR));
    return $unsigned . '.' . $encode(hash_hmac('sha256', $unsigned, $secret, true));
}
