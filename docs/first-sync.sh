#!/bin/sh
# The first sync by commands alone: from an empty home to all healthy invoices in every organisation of one Xero login.
#
#   HALO_URL, HALO_CLIENT_ID, HALO_SECRET_FILE   the API application in Halo; the file holds its secret
#   XERO_CLIENT_ID, XERO_SECRET_FILE             the app at Xero, a web app; the file holds its secret
#   XERO_OPTIONS                                 more options of `xerotui connect xero`, none by default
#
# Xero's login needs a browser once: open the address that is shown, allow, and paste the address that you come to.
# The organisations must be empty of what would be made twice, or be looked at first: the plan is approved unseen here.
set -eu

xerotui connect halo --name HaloPSA --url "$HALO_URL" --client-id "$HALO_CLIENT_ID" \
    --client-secret-file "$HALO_SECRET_FILE"
# Unquoted on purpose: each word is an option of its own.
# shellcheck disable=SC2086
xerotui connect xero --kind web --client-id "$XERO_CLIENT_ID" --client-secret-file "$XERO_SECRET_FILE" \
    --all ${XERO_OPTIONS:-}

# Accounts, tax rates and records of both sides; then every tax rate that has one Xero rate of equal percentage.
xerotui tenants --refresh
xerotui map accept

# What the setup still misses, step by step, and by which command: 2 means that a step is open.
xerotui setup || [ $? -eq 2 ]

# What would be done, record by record; then it is done, and what is released on the way goes as well.
xerotui plan --rows --no-exit-code
xerotui apply --yes --follow

# What is left, by organisation and time: 2 means that something waits, which is no failure of this script.
xerotui errors --list || [ $? -eq 2 ]
xerotui queue --summary
