<?php

/** Who may log in, with the password_hash of their passwords. It is "demo" for both; you have a table for it. */
return [
    'ada' => '$2y$10$sbMo5GWwChDsNYlT6LVP1udduHooTYOWsdW22UByHHVDOdm9E69nG',
    'bob' => '$2y$10$s3Ih.2ngtifOgfFvRzFgJO1IAGHDzUE7Fw.mlDgGPDwnYsojjFLe.',
];
