<?php

declare(strict_types=1);

require __DIR__ . '/../session.php';

$user = current_user();
if ($user === null) {
    header('Location: /login.php' . (isset($_GET['polling']) ? '?polling' : ''), response_code: 303);
    exit;
}
?>
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Pushed by PHP</title>
    <link rel="icon" href="data:,">
    <style><?php readfile(__DIR__ . '/../../style.css') ?></style>
    <script src="http://127.0.0.1:3000/socket.io/socket.io.min.js" defer></script>
    <script src="/push.js" defer></script>
  </head>
  <body>
    <header>
      <h1>Windows of <?= htmlspecialchars($user) ?></h1>
      <p id="status" role="status">Waiting for Tabcast on port 3000 …</p>
    </header>
    <ol id="messages" aria-label="Messages, newest first" aria-live="polite" data-empty="What PHP sends to <?= htmlspecialchars($user) ?> shows up here, in every window."></ol>
    <p class="soft"><a href="/?polling">A window by polling only</a> · <a href="/login.php">Somebody else</a></p>
  </body>
</html>
