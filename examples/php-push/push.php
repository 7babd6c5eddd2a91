<?php

/**
 * Shows a message in all windows of a user: php push.php ada "Your export is ready"
 *
 * TABCAST_URL and TABCAST_KEY come from the environment.
 */

declare(strict_types=1);

require __DIR__ . '/../php/notify.php';

if ($argc !== 3) {
    fwrite(STDERR, "Usage: php push.php <name> <msg>\n");
    exit(2);
}
[, $name, $msg] = $argv;
try {
    $result = tabcast_notify($name, ['body' => $msg]);
    echo "Stored as no. {$result['seq']}, shown in {$result['connections']} windows\n";
} catch (TabcastException | JsonException $error) {
    fwrite(STDERR, $error->getMessage() . "\n");
    exit(1);
}
