-- wrk sends the same POST every time: no script runs per request.
wrk.method = "POST"
wrk.body = '{"user":12,"model":"small","nonce":123456,"text":"some fixed text"}'
wrk.headers["Content-Type"] = "application/json"
