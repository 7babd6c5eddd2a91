<?php

/**
 * Notifies a user through Tabcast. Use it from the command line, or copy the function into your application:
 *
 *   php notify.php demo "Your export is ready" "42 rows"
 *
 * TABCAST_URL and TABCAST_KEY come from the environment. It needs PHP 8 and the curl extension.
 */

declare(strict_types=1);

final class TabcastException extends RuntimeException
{
}

/**
 * Stores the notification and shows it in every tab of the user. A call takes 4 seconds at most: a slow notification must not hold up
 * the page that sends it. If nothing or a 5xx came back, it is sent once more with the same idempotency key, so it is never shown twice.
 *
 * @param array<string, mixed> $notification title, body, type, url, data, …; write an empty JSON object as new stdClass
 * @param string|null $key the idempotency key: give your own, such as "export-42", to repeat the call safely later
 * @return array<string, mixed> id, seq, epoch, connections, …
 * @throws TabcastException if it was refused, or could not be delivered to Tabcast
 */
function tabcast_notify(string $user, array $notification, ?string $key = null): array
{
    $apiKey = (string) getenv('TABCAST_KEY');
    if (!preg_match('/^[!-~]+$/D', $apiKey)) {
        throw new TabcastException('Set TABCAST_KEY to an API key, without spaces and line breaks');
    }
    $url = rtrim(getenv('TABCAST_URL') ?: 'http://127.0.0.1:3000', '/') . '/notify/' . rawurlencode($user);
    if (!preg_match('#^https?://[^/]#i', $url)) {
        throw new TabcastException('Set TABCAST_URL to an address such as http://127.0.0.1:3000');
    }
    $body = json_encode((object) $notification, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
    $curl = curl_init($url);
    curl_setopt_array($curl, [
        CURLOPT_POSTFIELDS => $body,
        CURLOPT_HTTPHEADER => [
            'Authorization: Bearer ' . $apiKey,
            'Content-Type: application/json',
            'Idempotency-Key: ' . ($key ?? bin2hex(random_bytes(16))),
        ],
        CURLOPT_CONNECTTIMEOUT_MS => 500,
        CURLOPT_TIMEOUT_MS => 2000,
        CURLOPT_RETURNTRANSFER => true,
        // A user called ".." must not end up at another route.
        CURLOPT_PATH_AS_IS => true,
    ]);
    for ($try = 1; ; $try++) {
        $answer = curl_exec($curl);
        $status = curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
        if ($try === 2 || ($answer !== false && $status < 500)) {
            break;
        }
    }
    if ($answer === false) {
        throw new TabcastException('Tabcast did not answer: ' . curl_error($curl), curl_errno($curl));
    }
    $result = json_decode($answer, true);
    if ($status < 200 || $status > 299 || !is_array($result)) {
        throw new TabcastException("Tabcast answered $status: " . tabcast_problem($result), $status);
    }
    return $result;
}

/** What a problem document (RFC 9457) says, in one line. */
function tabcast_problem(mixed $problem): string
{
    if (!is_array($problem)) {
        return 'no problem document';
    }
    $text = $problem['detail'] ?? $problem['title'] ?? 'no detail';
    foreach ($problem['errors'] ?? [] as $error) {
        $text .= "; {$error['pointer']}: {$error['detail']}";
    }
    return $text;
}

if (PHP_SAPI === 'cli' && realpath($_SERVER['SCRIPT_FILENAME']) === __FILE__) {
    if ($argc < 3 || $argc > 4) {
        fwrite(STDERR, "Usage: php notify.php <user> <title> [<body>]\n");
        exit(2);
    }
    try {
        $result = tabcast_notify($argv[1], ['title' => $argv[2]] + (isset($argv[3]) ? ['body' => $argv[3]] : []));
        echo json_encode($result, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES), "\n";
    } catch (TabcastException | JsonException $error) {
        fwrite(STDERR, $error->getMessage() . "\n");
        exit(1);
    }
}
