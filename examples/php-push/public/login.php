<?php

declare(strict_types=1);

require __DIR__ . '/../session.php';

$name = (string) ($_POST['name'] ?? '');
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $hash = (require __DIR__ . '/../users.php')[$name] ?? '';
    if (password_verify((string) ($_POST['password'] ?? ''), $hash)) {
        // Somebody who knew the id of the session before must not be logged in as well.
        session_regenerate_id(true);
        $_SESSION['user'] = $name;
        error_log("login: $name");
        header('Location: /' . (isset($_GET['polling']) ? '?polling' : ''), response_code: 303);
        exit;
    }
    // As JSON, so that a name with a line end writes no line of its own.
    error_log('login refused: ' . json_encode($name, JSON_INVALID_UTF8_SUBSTITUTE));
    http_response_code(403);
}
?>
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Log in</title>
    <link rel="icon" href="data:,">
    <style><?php readfile(__DIR__ . '/../../style.css') ?></style>
  </head>
  <body>
    <header>
      <h1>Log in</h1>
      <p class="soft" role="alert"><?= http_response_code() === 403 ? 'Wrong name or password' : '' ?></p>
    </header>
    <form method="post">
      <label>Name <input name="name" value="<?= htmlspecialchars($name) ?>" required autofocus></label>
      <label>Password <input name="password" type="password" required></label>
      <button type="submit">Log in</button>
    </form>
    <p class="soft">ada and bob are there; the password of both is demo.</p>
  </body>
</html>
