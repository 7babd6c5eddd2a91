<?php

declare(strict_types=1);

require __DIR__ . '/../session.php';

$user = current_user();
if ($user === null) {
    http_response_code(401);
    exit;
}
// The page asks before each connect, the first and those after a lost connection.
error_log("connect: $user");
header('Content-Type: text/plain');
header('Cache-Control: no-store');
echo tabcast_token($user);
