<?php
/**
 * Candor in WHMCS: tickets and replies are told to Candor, which puts drafts of answers beside them as private
 * notes. Nothing is ever sent to a customer from here, and a ticket never waits for it.
 *
 * Copy this file to includes/hooks/candor.php, set the four values below, and switch the drafts on in Candor:
 *   PUT /v1/admin/config/whmcs        {"base_url": …, "api_identifier": …, "api_secret": …}
 *   PUT /v1/admin/config/whmcs_notes  {"enabled": true, "secret": the same as below}
 * The role of the API credentials needs GetTicket and AddTicketNote. WHMCS 7.10 and newer, PHP 7.4 to 8.3.
 */

if (!defined('WHMCS')) {
    die('This file cannot be accessed directly');
}

// Off until you say so.
define('CANDOR_ENABLED', false);
// Where Candor answers, without a slash at the end: https://abc123.execute-api.us-east-1.amazonaws.com/prod
define('CANDOR_ENDPOINT', '');
// 16 characters or more, the same as in Candor's settings: php -r "echo bin2hex(random_bytes(24));"
define('CANDOR_SECRET', '');
// Numbers of the departments whose tickets are told: array(1, 3). Empty: all.
define('CANDOR_DEPARTMENTS', array());

/** Letters of a message that are told: Candor reads no more. */
define('CANDOR_LONGEST', 20000);

/**
 * Tell Candor of a ticket or a reply. It takes three seconds at most and never throws: the customer's ticket is
 * more important than any draft for it.
 *
 * @param string $event TicketOpen or TicketUserReply
 * @param array $vars what WHMCS hands to the hook
 */
function candor_tell($event, $vars)
{
    try {
        if (!CANDOR_ENABLED || CANDOR_ENDPOINT === '' || CANDOR_SECRET === '') {
            return;
        }
        $department = isset($vars['deptid']) ? (int) $vars['deptid'] : 0;
        if (count(CANDOR_DEPARTMENTS) > 0 && !in_array($department, CANDOR_DEPARTMENTS, false)) {
            return;
        }
        $message = isset($vars['message']) ? (string) $vars['message'] : '';
        if (function_exists('mb_substr')) {
            $message = mb_substr($message, 0, CANDOR_LONGEST, 'UTF-8');
        }
        // The ticket and its words, and nothing else of the customer: no name, no address, no custom field.
        $body = json_encode(
            array(
                'event' => $event,
                'ticketid' => isset($vars['ticketid']) ? (int) $vars['ticketid'] : 0,
                'ticketmask' => isset($vars['ticketmask']) ? (string) $vars['ticketmask'] : '',
                'replyid' => isset($vars['replyid']) ? (int) $vars['replyid'] : 0,
                'deptid' => $department,
                'deptname' => isset($vars['deptname']) ? (string) $vars['deptname'] : '',
                'subject' => isset($vars['subject']) ? (string) $vars['subject'] : '',
                'message' => $message,
                'priority' => isset($vars['priority']) ? (string) $vars['priority'] : '',
                'userid' => isset($vars['userid']) ? (int) $vars['userid'] : 0,
            ),
            JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE
        );
        if ($body === false) {
            candor_log('the ticket could not be written as JSON');
            return;
        }
        $at = time();
        $signature = 't=' . $at . ',v1=' . hash_hmac('sha256', $at . '.' . $body, CANDOR_SECRET);
        candor_post(rtrim(CANDOR_ENDPOINT, '/') . '/v1/integrations/whmcs', $body, $signature);
    } catch (\Throwable $error) {
        candor_log(get_class($error));
    }
}

/**
 * Post it, signed: two seconds for a connection, three for everything.
 *
 * @param string $url
 * @param string $body
 * @param string $signature
 */
function candor_post($url, $body, $signature)
{
    $curl = curl_init($url);
    if ($curl === false) {
        candor_log('cURL could not be started');
        return;
    }
    curl_setopt_array(
        $curl,
        array(
            CURLOPT_POST => true,
            CURLOPT_POSTFIELDS => $body,
            CURLOPT_HTTPHEADER => array(
                'Content-Type: application/json; charset=utf-8',
                'X-Candor-Signature: ' . $signature,
                'Expect:',
            ),
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_FOLLOWLOCATION => false,
            CURLOPT_CONNECTTIMEOUT => 2,
            CURLOPT_TIMEOUT => 3,
            CURLOPT_NOSIGNAL => true,
        )
    );
    $answer = curl_exec($curl);
    $status = (int) curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
    $problem = curl_error($curl);
    if ($answer === false) {
        candor_log($problem);
    } elseif ($status !== 202) {
        candor_log('Candor answered with status ' . $status);
    }
}

/**
 * A line in WHMCS's activity log: what was in the way, never what a customer wrote.
 *
 * @param string $problem
 */
function candor_log($problem)
{
    if (function_exists('logActivity')) {
        logActivity('Candor: no draft was asked for: ' . $problem);
    }
}

add_hook('TicketOpen', 1, function ($vars) {
    candor_tell('TicketOpen', $vars);
});

add_hook('TicketUserReply', 1, function ($vars) {
    candor_tell('TicketUserReply', $vars);
});
