<?php

/**
 * The same as a form with name and msg, as the old code sent it: php push-form.php ada "Your export is ready"
 *
 * Tabcast takes it with GET_API=on. TABCAST_URL and TABCAST_KEY come from the environment.
 */

declare(strict_types=1);

if ($argc !== 3) {
    fwrite(STDERR, "Usage: php push-form.php <name> <msg>\n");
    exit(2);
}
[, $name, $msg] = $argv;
$curl = curl_init(getenv('TABCAST_URL') ?: 'http://127.0.0.1:3000');
curl_setopt_array($curl, [
    // An array in place of http_build_query would be sent as multipart, which Tabcast refuses.
    CURLOPT_POSTFIELDS => http_build_query(['name' => $name, 'msg' => $msg, 'key' => getenv('TABCAST_KEY')]),
    CURLOPT_CONNECTTIMEOUT_MS => 500,
    CURLOPT_TIMEOUT_MS => 2000,
    CURLOPT_RETURNTRANSFER => true,
]);
$answer = curl_exec($curl);
if (curl_getinfo($curl, CURLINFO_RESPONSE_CODE) !== 201) {
    fwrite(STDERR, ($answer ?: curl_error($curl)) . "\n");
    exit(1);
}
echo "$answer\n";
