<?php

/**
 * A task that shows its progress in every tab of a user, as one notification that is replaced in place:
 *
 *   php progress.php demo 200
 *
 * It needs notify.php, which says where Tabcast is.
 */

declare(strict_types=1);

require __DIR__ . '/notify.php';

if ($argc !== 3 || !ctype_digit($argv[2])) {
    fwrite(STDERR, "Usage: php progress.php <user> <rows>\n");
    exit(2);
}
[, $user, $rows] = $argv;
$task = 'export-' . bin2hex(random_bytes(4));

/** One step of the task. A lower version than the stored one is dropped: an update that was held up cannot set the bar back. */
$show = static function (string $status, int $row) use ($user, $rows, $task): void {
    tabcast_notify($user, [
        'title' => $status === 'succeeded' ? 'Your export is ready' : 'Exporting',
        'tag' => $task,
        'version' => $row + ($status === 'succeeded' ? 1 : 0),
        'progress' => [
            'status' => $status,
            'value' => $row,
            'max' => (int) $rows,
            'text' => "$row of $rows rows",
            // No update for this many seconds, and it is shown as stale: then the task has died.
            'staleAfter' => 30,
        ],
    ]);
};

try {
    for ($row = 0; $row < (int) $rows; $row++) {
        // Tabs are shown four updates a second at most, so it does no harm to send each.
        $show('running', $row);
        usleep(5000);
    }
    $show('succeeded', (int) $rows);
    echo "$task is done\n";
} catch (TabcastException $error) {
    fwrite(STDERR, $error->getMessage() . "\n");
    exit(1);
}
