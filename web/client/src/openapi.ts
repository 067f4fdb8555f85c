// Generated from openapi.yaml by `npm run generate`. Not edited by hand.

export interface paths {
    "/api/v1/documents/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Push a batch of operations
         * @description Checks run first, then creates, then updates, then deletes; inside a kind as submitted. Operations on the same document keep
         *     their submitted order. Results are answered in submitted order, one for each operation, whatever the mode.
         *
         *     - `atomic: false` (default): each operation stands alone.
         *     - `atomic: true`: one failure of any kind means that nothing is applied. Every operation is still evaluated, so
         *       that all culprits are named; the others are `skipped` with `rolled_back`.
         *     - `dry_run: true`: the same answer as the real run would give, and nothing is stored.
         *     - `device_id`: every operation that succeeds leaves a receipt under (workspace, user, device, `client_id`). Sent
         *       again, it is answered with the first answer's `status`, `document_id` and `version`, plus `replayed: true`, and
         *       with `server` where the editor may not have what the document holds.
         *     - `cursor` (a cursor of the feed, or null for its start): the answer carries `changes`, the page of the feed from
         *       there, without what the batch itself wrote. Where an update was applied onto a newer version, its result has
         *       `server` instead. A cursor that is refused (400, 410) refuses the batch.
         *     - `sync_id`: the batch counts towards a sync run of the caller, in its own transaction. A run that nobody opened
         *       is opened by its first batch. A run that was cancelled takes no batch: 409 `sync_cancelled`.
         *     - `upload_id` with `commit: false`: the operations are validated and kept. With `commit: true`, all that are kept under
         *       the id are applied as one atomic batch, with those that the request itself carries, and each is answered. Both can
         *       be sent again. An operation that is kept again under its name takes the place of the earlier one.
         *
         *     The status is 200 when the batch was processed, whatever its operations met: look at `failed`.
         */
        post: operations["pushBatch"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/batches/{batch_id}/undo": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Undo a batch
         * @description Answers like a batch: one result for each document that the batch changed. The change back is an ordinary operation,
         *     with a version, a receipt, an event and its share of the quotas, and can be undone itself. Documents that the batch
         *     deleted come back, those that it created are deleted. What others wrote since on other lines stays; where it cannot,
         *     the result is a `conflict`. With `device_id` and `client_id` it is done once, however often it is sent.
         *
         *     `dry_run: true` stores nothing; each result says in `change` what would change.
         */
        post: operations["undoBatch"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/uploads/{upload_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Drop an upload that is not to be committed
         * @description What is kept of it is removed. One that was dropped before stays so.
         */
        delete: operations["dropUpload"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/documents/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Put documents back to a moment
         * @description Takes back what was done since `as_of`: everything, or only what one user, device or sync run did; in the whole
         *     workspace, in documents whose title begins (or began) with `title_prefix`, or in `document_ids`. As an undo it is
         *     made of ordinary operations. It belongs to a sync run of its own, whose `sync_id` is in the answer.
         *
         *     Above 100 documents the answer is 202, and the work goes on in steps of 100 documents; `GET /api/v1/syncs/{sync_id}`
         *     shows how far it is, and cancelling the run ends it. The same request with the same `device_id` and `client_id`
         *     takes it up where it was.
         *
         *     `dry_run: true` shows the first 1,000 documents, each with what would change; `documents` counts them all.
         */
        post: operations["restoreDocuments"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/documents/diff": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Fetch what an editor lacks of its documents' Yjs states
         * @description For each document the editor sends the state vector of its copy and gets the Yjs update that it lacks: a changed
         *     word of a large document costs bytes, not the document.
         *
         *     A state vector does not tell which deletions the editor has, so all of the document's deletions come with every
         *     diff, unless the editor also names the last `version` whose Yjs state it has whole: then only what was written
         *     since comes, and nothing at all if that is the current version.
         *
         *     An answer ends at about 8 MB: documents beyond it are answered with the error `transient` and can be asked for
         *     again.
         */
        post: operations["diffDocuments"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/documents/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Hear of changes as they are committed (Server-Sent Events)
         * @description A stream of events of a workspace, on whichever server they came about:
         *
         *     - `change`: a document changed; its latest version is told, within half a second of the commit and in the order
         *       of the feed. Several changes of one document in quick succession may be told as one. Its `id` is its `cursor`.
         *     - `sync`: a sync run of the stream's own user moved on; the data is the run's progress.
         *     - `pull`: what was missed is not told here and has to be pulled. After `far_behind`, whose `id` is the head of
         *       the feed, the stream goes on with what is new; after `slow_reader` it ends.
         *
         *     A comment line every 15 seconds is a sign of life. The stream begins with an `id` without an event, so that a
         *     client that reconnects with `Last-Event-ID` misses nothing and is told nothing twice, even if it had heard no
         *     event yet; up to 1000 missed documents are told, with more it is `far_behind`.
         *
         *     The stream ends when the access token expires, the user is no longer a member, the reader does not keep up, or
         *     the server stops. It is never compressed.
         */
        get: operations["streamEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/documents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the documents of a workspace, without their bodies */
        get: operations["listDocuments"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/documents/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Pull what changed since a cursor
         * @description The feed of a workspace: each document once, at its latest version, in the order in which the workspace committed
         *     the changes; deleted ones as tombstones. A reader that goes on with `next_cursor` while others write misses no
         *     change, and sees a document again only if it changed again. A page holds `limit` documents at most, and ends
         *     earlier at about 8 MB of texts and Yjs states.
         *
         *     Cursors survive restarts. One that is older than the tombstones kept, or ahead of a database that was put back
         *     from a backup, is 410: pull again from the start, and drop what the feed does not list.
         */
        get: operations["pullChanges"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/documents/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Find documents by their words
         * @description The live documents of a workspace that have all of the words, in title or text: best first, that is, those with all of
         *     them in the title, then those with some, then the others; in each group those that changed last. A change is found
         *     within two seconds of its commit.
         *
         *     A word of three characters or more also finds longer words that begin with it. `"words in quotation marks"` must
         *     follow one another. `-` before a word or phrase leaves out the documents that have it. Case and diacritics make no
         *     difference. In scripts without spaces between words any part of a text is found. What cannot be read so is
         *     searched for its words; a query without any finds nothing. Words beyond the 32nd are ignored.
         */
        get: operations["searchDocuments"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/documents/{document_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read one document
         * @description A deleted document answers with `deleted` true while its tombstone lasts, then 404. With `as_of` it is read as it
         *     was then, with its text and without Yjs state; `If-None-Match` says nothing there.
         */
        get: operations["readDocument"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/live/y/{workspace_id}/{document_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Edit a document live with `y-websocket` (WebSocket)
         * @description Speaks y-protocols' sync and awareness, as `WebsocketProvider` of `y-websocket` does:
         *     `new WebsocketProvider('wss://…/api/v1/live/y/{workspace_id}', document_id, doc, { params: { token } })`.
         *     docs/protocol.md §8 has the rules and the close codes. `Origin`, if sent, must be the server's own or one of
         *     `LANDFALL_CORS_ORIGINS`.
         */
        get: operations["liveY"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/live/hocuspocus": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Edit documents live with Hocuspocus' provider (WebSocket)
         * @description Speaks the protocol of `@hocuspocus/provider`, any number of documents a socket (up to 100), each named
         *     `{workspace_id}/{document_id}`. The provider's `token` is the access token. docs/protocol.md §8 has the rules.
         */
        get: operations["liveHocuspocus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/documents/{document_id}/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the versions of a document, newest first
         * @description With `group=session`, versions that one author made with pauses below five minutes are one item: the newest of them, and
         *     `first_version` and `started_at` of the oldest. A deletion is an item of its own. Very long ones are cut.
         */
        get: operations["listVersions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/documents/{document_id}/versions/{version}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read one version of a document
         * @description Who, when, what. An overwritten title or text can always be got back while the history lasts.
         */
        get: operations["readVersion"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make an account and its first workspace
         * @description Open on a loopback address unless configured otherwise; 403 where registration is closed.
         */
        post: operations["register"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Exchange a name and a password for tokens
         * @description A wrong name and a wrong password are answered alike.
         */
        post: operations["login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Exchange a refresh token for new tokens
         * @description A refresh token serves once, or again as long as the one that it was exchanged for has not been used: the answer may
         *     have been lost. Any older one ends the session, since one of its two users is not its owner.
         */
        post: operations["refresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * End a session
         * @description The refresh token and all others of the same login serve no more, its access tokens within five seconds. An unknown
         *     one is answered alike.
         */
        post: operations["logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Set another password
         * @description Ends all sessions of the account but the caller's. A wrong old password is 422, with a `pointer`; guesses are counted as
         *     those of logins are. For built-in accounts; a token for scripts may not.
         */
        post: operations["changePassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the caller's sessions, the one used last in front
         * @description One for each login, a hundred at most: a further login ends the one that was used longest ago.
         */
        get: operations["listSessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/sessions/{session_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End a session of the caller's
         * @description Its refresh token serves no more at once, its access tokens within five seconds.
         */
        delete: operations["endSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/delete-account": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Delete the account
         * @description Removes the account, its sessions, memberships and tokens, and the workspaces that nobody else is a member of. What it
         *     wrote into other workspaces stays, without its name. The last owner of a workspace with other members cannot (409
         *     `last_owner`). A built-in account proves itself with its password.
         */
        post: operations["deleteAccount"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/syncs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the caller's sync runs in a workspace, newest first */
        get: operations["listSyncRuns"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/syncs/{sync_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The progress of a sync run
         * @description Runs belong to the user who opened them; another user's is 404. An operation is processed once, however often it
         *     is sent: when one that failed comes back in the same run, its new outcome counts instead of the old one, and one
         *     that is replayed from a receipt of the same run is not counted again. That takes a `device_id`: without one, an
         *     operation that succeeded cannot be known again.
         */
        get: operations["readSyncRun"];
        /**
         * Open a sync run
         * @description For every member. A run that is there already is answered as it is; while it is open another `total` replaces the
         *     one that was announced, but never falls below what was processed.
         */
        put: operations["openSyncRun"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/syncs/{sync_id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Call a sync run off
         * @description Later batches of the run are refused (409 `sync_cancelled`); what was committed stays. A run that is completed
         *     stays completed, and is answered as it is.
         */
        post: operations["cancelSyncRun"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workspaces": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the workspaces that the caller is a member of */
        get: operations["listWorkspaces"];
        put?: never;
        /**
         * Make a workspace
         * @description The caller becomes its owner. A token for scripts may not.
         */
        post: operations["createWorkspace"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workspaces/{workspace_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Delete a workspace and all that is in it
         * @description For owners; a token for scripts may not. It is gone for everybody at once; what is stored of it is removed in the minutes
         *     that follow.
         */
        delete: operations["deleteWorkspace"];
        options?: never;
        head?: never;
        /**
         * Change the name of a workspace
         * @description For owners.
         */
        patch: operations["renameWorkspace"];
        trace?: never;
    };
    "/api/v1/workspaces/{workspace_id}/invitations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the open invitations into a workspace
         * @description For owners.
         */
        get: operations["listSentInvitations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workspaces/{workspace_id}/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What is stored of a workspace, what is left, and what its sync runs did
         * @description For every member. Exact, and read from counters: it takes no longer for a large workspace.
         */
        get: operations["readStatistics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workspaces/{workspace_id}/members": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the members of a workspace, by name
         * @description For owners.
         */
        get: operations["listMembers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workspaces/{workspace_id}/members/{username}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Invite somebody, or change a member's role
         * @description For owners. Whoever is not a member is invited, and becomes one by accepting; whether there is such a user, the answer
         *     does not tell. Where the server adds members at once (`LANDFALL_MEMBERS=at-once`), an unknown name is 404. The last
         *     owner stays an owner (409 `last_owner`).
         */
        put: operations["setMember"];
        post?: never;
        /**
         * Remove a member, withdraw an invitation, or leave
         * @description For owners. Every member may leave, as `me`; a token for scripts may not. The last owner stays (409 `last_owner`).
         */
        delete: operations["removeMember"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/invitations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the caller's open invitations */
        get: operations["listInvitations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/invitations/{workspace_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Turn an invitation down */
        delete: operations["declineInvitation"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/invitations/{workspace_id}/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Accept an invitation */
        post: operations["acceptInvitation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/limits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The limits, exactly as enforced */
        get: operations["readLimits"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the server can do its work */
        get: operations["health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Metrics in the Prometheus text format
         * @description Here unless the operator serves them on an address of their own (`LANDFALL_METRICS_LISTEN`); then 404.
         */
        get: operations["metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.yaml": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This description */
        get: operations["openapi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This description as a page to read and try out */
        get: operations["docs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs/{file}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Scripts and styles of the page at /docs */
        get: operations["docsAsset"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The editor, a page that opens without a network once it has been open */
        get: operations["editor"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/{editor_file}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Files beside the editor's page, as its service worker */
        get: operations["editorFile"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/{editor_folder}/{editor_file}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Scripts, styles and pictures of the editor */
        get: operations["editorAsset"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * Format: date-time
         * @description RFC 3339 in UTC with microseconds
         */
        Timestamp: string;
        /** @description Standard base64 with padding */
        Base64: string;
        /**
         * Format: int64
         * @description 1 at creation, +1 for each applied operation that changed something; never goes back. In a database that was restored from a backup, new versions start above all that may have been given out before
         */
        VersionNumber: number;
        /** @description Unique in the batch; names the operation in the answer; with `device_id` its permanent name */
        OperationName: string;
        /** @enum {string} */
        OperationKind: "check" | "create" | "update" | "delete";
        /**
         * @description What an operation did that made a version
         * @enum {string}
         */
        ChangeKind: "create" | "update" | "delete";
        /**
         * @description A viewer reads, an editor also writes, an owner also manages the members
         * @enum {string}
         */
        Role: "viewer" | "editor" | "owner";
        BatchRequest: {
            /** Format: uuid */
            workspace_id: string;
            /** @description One installation of a client; turns on exactly-once receipts */
            device_id?: string | null;
            /** @default false */
            atomic: boolean;
            /** @default false */
            dry_run: boolean;
            /** @description Where to pull from in the same round trip: an opaque cursor, null for the start of the feed, absent for no pull */
            cursor?: string | null;
            /**
             * Format: uuid
             * @description The sync run that the batch counts towards; a dry run counts towards none
             */
            sync_id?: string | null;
            /**
             * Format: uuid
             * @description The upload that the operations belong to, an id of the editor's. Goes with `commit`
             */
            upload_id?: string | null;
            /** @description Of an upload: false keeps the operations, true applies all that were kept; `operations` may be empty then */
            commit?: boolean | null;
            /**
             * @description Of an upload, 0 if it is not given: operations of lower parts come first, then those that came first. Those of the
             *     committing request come last
             */
            part?: number | null;
            /** @description At most `max_operations` */
            operations: components["schemas"]["Operation"][];
        };
        Operation: components["schemas"]["CreateOperation"] | components["schemas"]["UpdateOperation"] | components["schemas"]["DeleteOperation"] | components["schemas"]["CheckOperation"];
        CreateOperation: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            operation: "create";
            client_id: components["schemas"]["OperationName"];
            /**
             * Format: uuid
             * @description The editor's own id; minted (UUIDv7) when absent
             */
            document_id?: string | null;
            data: components["schemas"]["OperationData"] & unknown;
        };
        UpdateOperation: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            operation: "update";
            client_id: components["schemas"]["OperationName"];
            /** Format: uuid */
            document_id?: string | null;
            /** @description The `client_id` of a create of the same batch or, with `device_id`, of an earlier one */
            document_ref?: components["schemas"]["OperationName"] | null;
            /**
             * Format: int64
             * @description The version that the editor last saw
             */
            base_version?: number | null;
            /** @description Apply whatever the version */
            force?: boolean | null;
            /**
             * @description Revive the document if it is deleted. One whose tombstone is no longer kept is made anew, under the old id,
             *     from what the update carries: the whole text or the whole Yjs state
             */
            restore?: boolean | null;
            data: components["schemas"]["OperationData"];
        };
        DeleteOperation: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            operation: "delete";
            client_id: components["schemas"]["OperationName"];
            /** Format: uuid */
            document_id?: string | null;
            document_ref?: components["schemas"]["OperationName"] | null;
            /** Format: int64 */
            base_version?: number | null;
            force?: boolean | null;
        };
        /**
         * @description A precondition. It succeeds if the document, as it was before the batch, is live and at exactly this version. Checks
         *     run first, change nothing and leave no receipt. In an atomic batch they make "apply this only if what I read is
         *     still so" exact, across documents
         */
        CheckOperation: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            operation: "check";
            client_id: components["schemas"]["OperationName"];
            /** Format: uuid */
            document_id: string;
            /**
             * Format: int64
             * @description The version that the document must be at; 0 if there must be none, or a deleted one
             */
            base_version: number;
        };
        /**
         * @description A create needs a title. An update carries at least one field besides `state_vector_b64`.
         *     `yjs_state_b64` and `yjs_updates_b64` exclude each other; so do `edits`, `content` and Yjs updates, except that
         *     `content` may come with Yjs updates.
         */
        OperationData: {
            /** @description At most `max_title_chars`, without NUL */
            title?: string | null;
            /** @description The text, at most `max_content_bytes` of UTF-8, without NUL */
            content?: string | null;
            /**
             * @description For an update: edits of the text as it is on the server, in order. At most 100, together at most
             *     `max_content_bytes`. They need no `base_version`
             */
            edits?: components["schemas"]["TextEdit"][] | null;
            /** @description A Yjs v1 update, a whole state or a part of one */
            yjs_state_b64?: components["schemas"]["Base64"] | null;
            /** @description A list of Yjs v1 updates, in order */
            yjs_updates_b64?: components["schemas"]["Base64"][] | null;
            /** @description The state vector of what the editor has, so that the answer carries only what it lacks */
            state_vector_b64?: components["schemas"]["Base64"] | null;
        };
        /** @description A piece of the text and what replaces it */
        TextEdit: {
            /** @description It must be in the text exactly once, or, with `all`, at least once */
            find: string;
            replace: string;
            /** @description Replace it wherever it is; default `false` */
            all?: boolean | null;
        };
        /** @description What every processed batch is answered with */
        BatchFields: {
            /** @description successful + failed + skipped */
            total: number;
            successful: number;
            /** @description Conflicts and errors */
            failed: number;
            skipped: number;
            /** @description How many of `failed` are conflicts */
            conflicts: number;
            /** @description How many of `successful` were merged */
            merged: number;
            /** @description How many of `successful` were answered from their receipts */
            replayed: number;
            /** @description False for a dry run, for an atomic batch that failed, and where operations were only kept */
            committed: boolean;
            dry_run: boolean;
            /**
             * Format: uuid
             * @description The batch, where it made versions; they carry it too, and it is what can be undone. Where all of it was answered
             *     from receipts, the batch that was sent first
             */
            batch_id?: string;
            /** @description Of a restore: how many documents it is about */
            documents?: number;
            /**
             * @description Of the preview of a restore: it is about more documents than it shows
             * @constant
             */
            has_more?: true;
            /**
             * Format: uuid
             * @description Of a restore: its sync run
             */
            sync_id?: string;
            /** @description Of a request with `upload_id`: the upload after it */
            upload?: components["schemas"]["Upload"];
            /** @description One for each operation, in submitted order; of a commit, one for each operation of the upload, in its order */
            results: components["schemas"]["OperationResult"][];
            /**
             * @description With `cursor`: the feed from there, 100 documents at most, less what this batch wrote. Of a dry run and of a
             *     batch that was rolled back, the feed as it stands
             */
            changes?: components["schemas"]["ChangesPage"];
            processing_time_ms: number;
        };
        Upload: {
            /** Format: uuid */
            upload_id: string;
            /**
             * @description `open`: it takes operations, and can be committed
             * @enum {string}
             */
            status: "open" | "committed" | "dropped";
            /** @description How many are kept, or were applied */
            operations: number;
            /** @description Bytes of those that are kept, as they were sent, decompressed; absent once they were applied */
            bytes?: number;
            /** @description When it is dropped; once it is committed, until when the commit is answered again */
            expires_at: components["schemas"]["Timestamp"];
        };
        BatchAnswer: components["schemas"]["BatchFields"];
        /** @description The answer of an atomic batch that failed, as a problem */
        RolledBackBatch: components["schemas"]["BatchFields"] & components["schemas"]["ProblemFields"] & {
            /** @constant */
            code?: "rolled_back";
            /** @constant */
            committed?: false;
            /** @constant */
            successful?: 0;
            failed?: unknown;
        };
        OperationResult: {
            /** @description The operation's name; null if it had none that is valid */
            client_id: string | null;
            /** @description What it was to do; null if that could not be read */
            operation: components["schemas"]["OperationKind"] | null;
            /** @enum {string} */
            status: "success" | "conflict" | "error" | "skipped";
            /** Format: uuid */
            document_id?: string;
            /** @description The document's current version on the server; absent if there is no document */
            version?: components["schemas"]["VersionNumber"];
            /**
             * @description Merged with what others had changed since `base_version`; `server` has the result. An update that was forced
             *     is a plain success
             * @constant
             */
            merged?: true;
            /**
             * @description Nothing had to be changed
             * @constant
             */
            unchanged?: true;
            /**
             * @description Answered from its receipt
             * @constant
             */
            replayed?: true;
            /**
             * @description The incoming title replaced one that was changed meanwhile; the history has it
             * @constant
             */
            title_overwritten?: true;
            /**
             * @description A stored part of the document cannot be read: its operations fail (`internal`) until the operator has repaired
             *     it, and no other document is affected. Keep the operation, and do not retry it by yourself
             * @constant
             */
            damaged?: true;
            error?: components["schemas"]["OperationError"];
            /**
             * @description The server's document after an update onto a newer version, forced ones included; in a conflict; and with
             *     `replayed` where the document has moved on since, or may hold what the editor has not seen. Only its state
             *     vector where that is what lacks
             */
            server?: components["schemas"]["Document"] | components["schemas"]["ServerStateVector"] | components["schemas"]["OmittedDocument"];
            /** @description The version that the editor edited, if it is still in the history */
            base?: components["schemas"]["Base"];
            /** @description For a conflict of texts */
            merge?: components["schemas"]["TextMerge"];
            /** @description Of the dry run of an undo or a restore: what would change in the document */
            change?: components["schemas"]["PreviewedChange"];
        } & (unknown & unknown & unknown & unknown & unknown & unknown);
        /**
         * @description Why an operation was not applied. Clients treat codes that they do not know by `retryable`.
         * @enum {string}
         */
        OperationErrorCode: "invalid" | "too_large" | "base64_invalid" | "yjs_invalid" | "yjs_missing_dependencies" | "yjs_required" | "rich_text" | "base_version_required" | "invalid_base_version" | "duplicate_client_id" | "client_id_reused" | "not_found" | "version_mismatch" | "edit_not_found" | "edit_ambiguous" | "divergent_history" | "deleted" | "already_exists" | "forbidden" | "quota_exceeded" | "rolled_back" | "dependency_failed" | "transient" | "internal";
        OperationError: {
            code: components["schemas"]["OperationErrorCode"];
            /** @description For people, what is wrong and what to do */
            message: string;
            /** @description True promises that the same operation may succeed later, unchanged */
            retryable: boolean;
            /** @description RFC 6901, into the request, where one place is at fault */
            pointer?: string;
        };
        /**
         * @description An answer to a batch is bounded: about 8 MB. This result's `server`, `base` and `merge` did not fit. Read the
         *     document, and where it is needed its version `base_version`, before you act on the result
         */
        OmittedDocument: {
            /** Format: uuid */
            document_id: string;
            version: components["schemas"]["VersionNumber"];
            /** @constant */
            omitted: true;
        };
        ServerStateVector: {
            state_vector_b64: components["schemas"]["Base64"];
        };
        Base: {
            version: components["schemas"]["VersionNumber"];
            title: string;
            /** @description Absent if this version's text was not kept as text */
            content?: string;
        };
        TextMerge: {
            /** @description The text with `<<<<<<<`, `=======` and `>>>>>>>` around what clashes */
            content: string;
        };
        DiffRequest: {
            /** Format: uuid */
            workspace_id: string;
            documents: {
                /** Format: uuid */
                document_id: string;
                /** @description The state vector of the editor's copy; without one it has nothing */
                state_vector_b64?: components["schemas"]["Base64"] | null;
                /**
                 * @description The last version whose Yjs state the editor has whole; only to be named if that is certain, since
                 *     deletions up to it are taken as known
                 */
                version?: components["schemas"]["VersionNumber"] | null;
            }[];
        };
        DiffAnswer: {
            items: components["schemas"]["DiffItem"][];
        };
        /**
         * @description What the editor lacks of one document. `yjs_state_b64` is absent where it lacks nothing, `state_vector_b64` too
         *     where the document has no Yjs state. A deleted document has only its version; `error` stands alone.
         */
        DiffItem: {
            /** Format: uuid */
            document_id: string;
            version?: components["schemas"]["VersionNumber"];
            /** @constant */
            deleted?: true;
            yjs_state_b64?: components["schemas"]["Base64"];
            /** @description What the server's Yjs state knows */
            state_vector_b64?: components["schemas"]["Base64"];
            error?: {
                /** @enum {unknown} */
                code: "not_found" | "transient" | "internal";
                message: string;
                retryable: boolean;
            };
        } & ({
            error?: never;
        } | {
            version?: never;
            yjs_state_b64?: never;
            state_vector_b64?: never;
        });
        DocumentFields: {
            /** Format: uuid */
            document_id: string;
            version: components["schemas"]["VersionNumber"];
            /** @description A tombstone keeps its last; in a conflict about one that is no longer kept it is empty */
            title: string;
            created_at: components["schemas"]["Timestamp"];
            updated_at: components["schemas"]["Timestamp"];
            /** @description The name of the user who changed it last */
            updated_by: string;
            deleted: boolean;
            deleted_at?: components["schemas"]["Timestamp"];
        };
        DocumentSummary: components["schemas"]["DocumentFields"];
        Document: components["schemas"]["DocumentFields"] & {
            /** @description The text; a tombstone has none, nor has a document with Yjs state from which no text can be derived */
            content?: string;
            /** @description The Yjs state, or what the editor lacks of it where it sent a state vector */
            yjs_state_b64?: components["schemas"]["Base64"];
            /** @description What the Yjs state knows */
            state_vector_b64?: components["schemas"]["Base64"];
        };
        DocumentPage: {
            items: components["schemas"]["DocumentSummary"][];
            next_page_token: components["schemas"]["NextPageToken"];
            has_more: boolean;
        };
        ChangesPage: {
            /** @description In the order of the feed */
            items: components["schemas"]["Document"][];
            /** @description Where the reader stands who has taken in this page, an empty one too; opaque */
            next_cursor: string;
            /** @description Whether there is more to pull from `next_cursor` at once */
            has_more: boolean;
            /** @description Tombstones from before this time may be gone; absent before the first purge */
            purged_before?: components["schemas"]["Timestamp"];
        };
        SearchPage: {
            /** @description Best first */
            items: components["schemas"]["SearchHit"][];
            /** @description Where the next page begins; null if there is none. Opaque, for the same search */
            next_cursor: string | null;
            /** @description Whether there is a next page. A page may have fewer documents than `limit`, or none, and there is more all the same */
            has_more: boolean;
        };
        SearchHit: {
            /** Format: uuid */
            document_id: string;
            version: components["schemas"]["VersionNumber"];
            title: string;
            /**
             * @description A part of the text, as it is, that shows most of what was searched for: its stretches in order. The beginning of
             *     the text if the title alone was found; empty if there is no text
             */
            snippet: {
                text: string;
                /**
                 * @description True for what was searched for; absent otherwise
                 * @constant
                 */
                mark?: true;
            }[];
            updated_at: components["schemas"]["Timestamp"];
        };
        /** @description The data of the event `change` */
        ChangeEvent: {
            /** Format: uuid */
            document_id: string;
            version: components["schemas"]["VersionNumber"];
            deleted: boolean;
            /** @description The place in the feed after this change; opaque */
            cursor: string;
        };
        /** @description The data of the event `pull` */
        PullEvent: {
            /** @enum {unknown} */
            reason: "far_behind" | "slow_reader";
        };
        /** @description Opaque; null on the last page */
        NextPageToken: string | null;
        PreviewedChange: {
            title?: {
                from: string;
                to: string;
            };
            deleted?: {
                from: boolean;
                to: boolean;
            };
            /** @description How the text would change, in the unified form, three lines around each change */
            diff?: string;
            /**
             * @description The text would change, and how is left out, the answer being full or the text not at hand
             * @constant
             */
            omitted?: true;
        };
        UndoRequest: {
            /** Format: uuid */
            workspace_id: string;
            /** @default false */
            dry_run: boolean;
            /** @description Turns on receipts */
            device_id?: string | null;
            /** @description The request's name; without one each request is another one */
            client_id?: string | null;
        };
        RestoreRequest: components["schemas"]["UndoRequest"] & {
            /**
             * @description A time (RFC 3339), or a cursor of the workspace's feed. May be left out beside the `sync_id` of a run of the
             *     caller's own: then all is taken back that it did
             */
            as_of?: string | null;
            document_ids?: string[] | null;
            title_prefix?: string | null;
            /** @description Take back only what this user did, by name */
            by_user?: string | null;
            /** @description Take back only what was done on this device */
            by_device?: string | null;
            /**
             * Format: uuid
             * @description Take back only what this sync run did
             */
            sync_id?: string | null;
        };
        /** @description A restore that goes on in steps, as its sync run */
        RestoreRun: components["schemas"]["SyncRunFields"] & {
            /** @description How many documents it is about */
            documents: number;
            errors: components["schemas"]["SyncRunError"][];
        };
        VersionFields: {
            version: components["schemas"]["VersionNumber"];
            operation: components["schemas"]["ChangeKind"];
            title: string;
            updated_at: components["schemas"]["Timestamp"];
            /** @description The name of the user who made it */
            updated_by: string;
            /** @description The device that it was made on, if it said so */
            device_id?: string;
            /**
             * Format: uuid
             * @description The batch that made it; none of versions from before the server kept batches
             */
            batch_id?: string;
            /**
             * Format: uuid
             * @description The sync run that it was made in
             */
            sync_id?: string;
        };
        VersionSummary: components["schemas"]["VersionFields"];
        /** @description Versions that one author made in one go, as their newest one */
        VersionSession: components["schemas"]["VersionFields"] & {
            /** @description The oldest of them */
            first_version: components["schemas"]["VersionNumber"];
            /** @description When the oldest was made */
            started_at: components["schemas"]["Timestamp"];
        };
        Version: components["schemas"]["VersionFields"] & {
            /** Format: uuid */
            document_id: string;
            /** @description The text at this version; absent for a deletion, and where it can no longer be told */
            content?: string;
        };
        VersionPage: {
            items: (components["schemas"]["VersionSummary"] | components["schemas"]["VersionSession"])[];
            next_page_token: components["schemas"]["NextPageToken"];
            has_more: boolean;
        };
        SyncRunRequest: {
            /** Format: uuid */
            workspace_id: string;
            /**
             * Format: int64
             * @description How many operations the run will process
             */
            total: number;
            /** @description Push when absent */
            direction?: components["schemas"]["SyncDirection"] | null;
            device_id?: string | null;
        };
        /** @enum {string} */
        SyncDirection: "push" | "pull" | "both";
        SyncRunFields: {
            /** Format: uuid */
            sync_id: string;
            direction: components["schemas"]["SyncDirection"];
            /** @description The device that opened it, if it said so */
            device_id?: string;
            /**
             * @description `idle` until the first batch is counted, then `processing`. `completed` when as many operations were processed
             *     as were announced; more of them take it up again. `error` when nothing was heard of it for an hour; a batch
             *     takes it up again. `cancelled` for ever.
             * @enum {string}
             */
            status: "idle" | "processing" | "completed" | "error" | "cancelled";
            /** @description Why it is in `error` */
            message?: string;
            /**
             * Format: int64
             * @description Operations announced, or processed if that is more
             */
            total: number;
            /**
             * Format: int64
             * @description succeeded + failed + skipped
             */
            processed: number;
            /** Format: int64 */
            succeeded: number;
            /**
             * Format: int64
             * @description Operations whose last outcome is a conflict or an error
             */
            failed: number;
            /**
             * Format: int64
             * @description Operations that were last skipped
             */
            skipped: number;
            /** @description Processed of total, rounded down to one decimal */
            percentage: number;
            /** @description The last operation, in order of execution, of the last batch that was counted; by its place in the request */
            current_operation?: string;
            /**
             * Format: int64
             * @description failed + skipped
             */
            error_count: number;
            started_at: components["schemas"]["Timestamp"];
            /** @description When it was last heard of */
            updated_at: components["schemas"]["Timestamp"];
            finished_at?: components["schemas"]["Timestamp"];
            /** @description If it goes on as it went so far; only while it is under way */
            estimated_completion?: components["schemas"]["Timestamp"];
        } & (unknown & unknown);
        SyncRunSummary: components["schemas"]["SyncRunFields"];
        SyncRun: components["schemas"]["SyncRunFields"] & {
            /** @description Operations whose last outcome is not a success, newest first; the newest 100 */
            errors: components["schemas"]["SyncRunError"][];
        };
        SyncRunError: {
            /** @description The operation's name; null if it had none that is valid */
            client_id: string | null;
            /** Format: uuid */
            document_id?: string;
            code: components["schemas"]["OperationErrorCode"];
            /** @description For people; never holds the text of a document */
            message: string;
            /** @description How often it had failed before in this run */
            retry_count: number;
            timestamp: components["schemas"]["Timestamp"];
        };
        SyncRunPage: {
            items: components["schemas"]["SyncRunSummary"][];
            next_page_token: components["schemas"]["NextPageToken"];
            has_more: boolean;
        };
        /** @description Letters and digits count without regard to case */
        Username: string;
        Credentials: {
            username: components["schemas"]["Username"];
            /** Format: password */
            password: string;
        };
        RefreshRequest: {
            /** @description Opaque */
            refresh_token: string;
        };
        TokenFields: {
            /** @description A JWT for `Authorization` */
            access_token: string;
            /** @constant */
            token_type: "Bearer";
            /** @description Seconds that the access token serves */
            expires_in: number;
            /** @description Serves once, at `/api/v1/auth/refresh`; opaque */
            refresh_token: string;
        };
        Tokens: components["schemas"]["TokenFields"];
        Session: components["schemas"]["TokenFields"] & {
            /**
             * Format: uuid
             * @description The user's first workspace; absent for one who is a member of none any more
             */
            workspace_id?: string;
        };
        WorkspaceRequest: {
            /** @description Not all blank, and without control characters */
            name: string;
            /**
             * Format: uuid
             * @description The caller's own id; minted when absent
             */
            workspace_id?: string | null;
        };
        Workspace: {
            /** Format: uuid */
            workspace_id: string;
            name: string;
            /** @description The name of the owner who answers for it; absent where nobody does */
            owner?: string;
            role: components["schemas"]["Role"];
            created_at: components["schemas"]["Timestamp"];
        };
        WorkspaceList: {
            items: components["schemas"]["Workspace"][];
        };
        MemberRequest: {
            role: components["schemas"]["Role"];
        };
        Member: {
            username: string;
            role: components["schemas"]["Role"];
            created_at: components["schemas"]["Timestamp"];
        };
        MemberPage: {
            items: components["schemas"]["Member"][];
            next_page_token: string | null;
            has_more: boolean;
        };
        Statistics: {
            /** @description Documents that are not deleted */
            documents: number;
            /** @description Deleted documents that are remembered */
            deleted_documents: number;
            /** @description Texts, as they are stored, old versions included */
            text_bytes: number;
            /** @description Yjs states and updates */
            yjs_bytes: number;
            /** @description That part of the two which versions hold */
            history_bytes: number;
            members: number;
            /** @description What may still be made; null without a quota */
            documents_left: number | null;
            /** @description What may still be stored; null without a quota */
            bytes_left: number | null;
            /** @description Sync runs that began in the last days, whosever they are */
            syncs: {
                days: number;
                runs: number;
                operations: number;
                failed: number;
                /** @description How many of `failed` are conflicts */
                conflicts: number;
                median_duration_ms: number | null;
                median_operations_per_s: number | null;
            };
        };
        RenameRequest: {
            /** @description Not all blank, and without control characters */
            name: string;
        };
        Invitation: {
            /** Format: uuid */
            workspace_id: string;
            workspace_name: string;
            /** @description Who is invited */
            username: string;
            role: components["schemas"]["Role"];
            /** @description By whom; absent if that account is gone */
            invited_by?: string;
            created_at: components["schemas"]["Timestamp"];
        };
        InvitationList: {
            items: components["schemas"]["Invitation"][];
        };
        PasswordRequest: {
            old_password: string;
            new_password: string;
        };
        AccountDeletionRequest: {
            /** @description Of a built-in account */
            password?: string | null;
        };
        AccountSession: {
            /** Format: uuid */
            session_id: string;
            /** @description What program it is, as that says itself (`User-Agent`) */
            client?: string;
            created_at: components["schemas"]["Timestamp"];
            /** @description When its tokens were last renewed */
            used_at: components["schemas"]["Timestamp"];
            /** @description When it ends unless it is used */
            expires_at: components["schemas"]["Timestamp"];
            /** @description Whether it is the caller's own */
            current: boolean;
        };
        SessionList: {
            items: components["schemas"]["AccountSession"][];
        };
        Limits: {
            /** @description Operations of a batch */
            max_operations: number;
            /** @description Bytes of a request's body, after decompression */
            max_body_bytes: number;
            /**
             * @description Bytes that the bodies of all requests may have together, each counted twice (as it came, and parsed); a quarter
             *     for each user. Beyond it the answer is 503 `busy`
             */
            max_in_flight_bytes: number;
            /** @description Milliseconds until a batch is rolled back and answered 503 `timeout` */
            timeout_ms: number;
            /** @description Unicode scalar values of a title */
            max_title_chars: number;
            /** @description UTF-8 bytes of a document's text */
            max_content_bytes: number;
            /** @description Decoded bytes of one operation's Yjs updates together */
            max_yjs_bytes: number;
            /** @description Structs of an update */
            max_yjs_structs: number;
            /** @description Clients named by an update or a state vector */
            max_yjs_clients: number;
            /** @description Ranges of an update's delete set */
            max_yjs_delete_ranges: number;
            /** @description Depth of nested values and of nested shared types */
            max_yjs_nesting: number;
            /** @description Steps that putting a document's Yjs items in order may take, besides 64 for each item. An item takes a step for each other one between its left and right neighbour that it is compared with: many items at one place are dear, whoever reads them. */
            max_yjs_steps: number;
            /** @description Documents that a workspace may hold, deleted ones not counted; null = any number. What exceeds it is `quota_exceeded` */
            max_workspace_documents: number | null;
            /** @description Bytes of texts and Yjs states that a workspace may hold, old versions included; null = any amount */
            max_workspace_bytes: number | null;
            /** @description Documents of all workspaces that one user answers for (`owner`); null = any number */
            max_user_documents: number | null;
            /** @description Bytes of all workspaces that one user answers for; null = any amount */
            max_user_bytes: number | null;
            /** @description Seconds that a receipt is kept */
            receipt_retention_s: number;
            /** @description Seconds that a deleted document is remembered */
            tombstone_retention_s: number;
            /** @description The bounds of live editing (docs/protocol.md, section 8) */
            live?: {
                /** @description Sockets of one user on one server */
                max_user_sockets: number;
                /** @description Documents of one socket */
                max_socket_documents: number;
                /** @description What one editor may say of itself; more is left out */
                max_awareness_bytes: number;
                /** @description How often in a second the others are told; then the newest counts */
                max_awareness_per_s: number;
                /** @description Seconds between pings of an idle socket */
                ping_s: number;
            };
            /** @description The bounds of uploads, which are atomic batches over several requests (docs/protocol.md, section 1.11) */
            upload: {
                /** @description Operations of an upload */
                max_operations: number;
                /** @description Bytes of its operations, as they were sent, decompressed */
                max_bytes: number;
                /** @description Open uploads of a user in a workspace */
                max_open: number;
                /** @description Bytes of all open uploads of a workspace */
                max_workspace_bytes: number;
                /** @description Seconds from its first request until it is dropped, and that the answer of a commit is kept */
                retention_s: number;
            };
            /** @description Seconds that old versions and ended sync runs are kept; the newest version stays */
            history_retention_s: number;
        };
        Health: {
            /**
             * @description `ok`; `degraded`, where documents are read and written but something else is wrong; `unavailable`, where they are
             *     not
             * @enum {string}
             */
            status: "ok" | "degraded" | "unavailable";
            /** @description The worst that is wrong */
            message: string;
            timestamp: components["schemas"]["Timestamp"];
            /** @description Each part of the server; `ok`, or a sentence that says what is wrong */
            checks: {
                /** @description Reading from the database */
                readers: string;
                /** @description Writing to it; something is written at most every 10 seconds */
                writer: string;
                /** @description Deriving texts of Yjs documents */
                workers: string;
                /** @description Free space, where the database is SQLite */
                disk?: string;
            };
        };
        /**
         * @description Why a whole request was refused
         * @enum {string}
         */
        ProblemCode: "bad_request" | "unauthorized" | "forbidden" | "not_found" | "method_not_allowed" | "not_acceptable" | "username_taken" | "workspace_exists" | "last_owner" | "cursor_expired" | "history_expired" | "sync_cancelled" | "upload_not_found" | "upload_expired" | "upload_committed" | "too_many_uploads" | "payload_too_large" | "upload_too_large" | "unsupported_media_type" | "too_many_operations" | "invalid" | "rate_limited" | "timeout" | "busy" | "unavailable" | "internal" | "rolled_back";
        /** @description RFC 9457 */
        ProblemFields: {
            /** Format: uri-reference */
            type: string;
            title: string;
            status: number;
            /** @description For people, what is wrong, where, and what to do */
            detail: string;
            code: components["schemas"]["ProblemCode"];
            /** @description As in `X-Request-Id` */
            request_id: string;
            /** @description RFC 6901, into the request, where one place is at fault */
            pointer?: string;
        };
        Problem: components["schemas"]["ProblemFields"];
    };
    responses: {
        /** @description The request cannot be read (not JSON, a field missing or of the wrong type, a bad parameter) */
        BadRequest: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    status?: 400;
                    /** @constant */
                    code?: "bad_request";
                };
            };
        };
        /** @description The token (or the password) is missing, wrong or expired */
        Unauthorized: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    status?: 401;
                    /** @constant */
                    code?: "unauthorized";
                };
            };
        };
        /** @description The caller may see this, and may not do that */
        Forbidden: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    status?: 403;
                    /** @constant */
                    code?: "forbidden";
                };
            };
        };
        /** @description There is no such thing, or it is not the caller's; the two are answered alike */
        NotFound: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    status?: 404;
                    /** @constant */
                    code?: "not_found";
                };
            };
        };
        /** @description A workspace keeps at least one owner (`last_owner`) */
        LastOwner: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    status?: 409;
                    /** @constant */
                    code?: "last_owner";
                };
            };
        };
        /**
         * @description What the cursor's reader has not seen may have been purged, or is gone since the database was put back from a
         *     backup (`cursor_expired`): pull again from the start, without a cursor
         */
        CursorExpired: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    status?: 410;
                    /** @constant */
                    code?: "cursor_expired";
                };
            };
        };
        /**
         * @description The history does not reach back so far (`history_expired`): `since` says from when on it can be read. Or a cursor is
         *     too old (`cursor_expired`)
         */
        HistoryExpired: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": (components["schemas"]["ProblemFields"] & {
                    /** @constant */
                    status?: 410;
                    /** @constant */
                    code?: "history_expired";
                    /** @description The first moment that can be read */
                    since: components["schemas"]["Timestamp"];
                }) | (components["schemas"]["Problem"] & {
                    /** @constant */
                    status?: 410;
                    /** @constant */
                    code?: "cursor_expired";
                });
            };
        };
        /** @description The body is over `max_body_bytes`, counted after decompression */
        PayloadTooLarge: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    status?: 413;
                    /** @constant */
                    code?: "payload_too_large";
                };
            };
        };
        /**
         * @description The body is not declared as `application/json`; or its `Content-Encoding` is not known, is more than one, or is one
         *     where none is taken
         */
        UnsupportedMediaType: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    status?: 415;
                    /** @constant */
                    code?: "unsupported_media_type";
                };
            };
        };
        /** @description The request can be read, and a field breaks a rule */
        Invalid: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    status?: 422;
                    /** @constant */
                    code?: "invalid";
                };
            };
        };
        /** @description Over the quota */
        RateLimited: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                "Retry-After": components["headers"]["RetryAfter"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    status?: 429;
                    /** @constant */
                    code?: "rate_limited";
                };
            };
        };
        /** @description A fault of the server; its log has the cause under the request's id */
        Internal: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    status?: 500;
                    /** @constant */
                    code?: "internal";
                };
            };
        };
        /** @description Not now (`timeout`, `busy`, `unavailable`); rolled back, and safe to send again */
        Unavailable: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    status?: 503;
                    /** @enum {unknown} */
                    code?: "timeout" | "busy" | "unavailable";
                };
            };
        };
    };
    parameters: {
        /** @description The workspace */
        WorkspaceId: string;
        /** @description The workspace */
        WorkspaceInPath: string;
        /** @description The document */
        DocumentId: string;
        /** @description The session */
        SessionInPath: string;
        /**
         * @description Read the past: a time (RFC 3339), or a cursor of the workspace's feed. As far as the history is kept; what is older is
         *     410 `history_expired`, and its `since` says from when on it can be read
         */
        AsOf: string;
        /** @description The id that the editor gave to the upload */
        UploadId: string;
        /** @description The sync run, by an id of the client's choice */
        SyncId: string;
        /** @description The member's name */
        Username: components["schemas"]["Username"];
        /** @description Items of a page at most */
        PageSize: number;
        /** @description The `next_page_token` of the page before, opaque; an empty one is none */
        PageToken: string;
        /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
        RequestId: string;
    };
    requestBodies: {
        Credentials: {
            content: {
                "application/json": components["schemas"]["Credentials"];
            };
        };
        RefreshToken: {
            content: {
                "application/json": components["schemas"]["RefreshRequest"];
            };
        };
    };
    headers: {
        /** @description The request's name, from the request if it sent one */
        RequestId: string;
        /**
         * @description What is left of the caller's quota, in operations (IETF draft ratelimit-headers)
         * @example "operations";r=5900;t=1
         */
        RateLimit: string;
        /**
         * @description The caller's quota and its window in seconds
         * @example "operations";q=6000;w=60
         */
        RateLimitPolicy: string;
        /**
         * @description Seconds to wait before trying again
         * @example 1
         */
        RetryAfter: string;
        /**
         * @description The document's version
         * @example "6"
         */
        ETag: string;
        /**
         * @description A digest of the file, in the coding that it is sent in
         * @example "9f86d081884c7d659a2feaa0-br"
         */
        FileTag: string;
        /** @description How to prove who you are (RFC 6750) */
        WwwAuthenticate: string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    pushBatch: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BatchRequest"];
            };
        };
        responses: {
            /** @description The batch was processed. Look at `failed` and at each result. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BatchAnswer"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            /**
             * @description There is no such workspace, or it is not the caller's (`not_found`); or no such upload of the caller's
             *     (`upload_not_found`)
             */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @constant */
                        status?: 404;
                        /** @enum {unknown} */
                        code?: "not_found" | "upload_not_found";
                    };
                };
            };
            /**
             * @description Either atomic and rolled back, and every culprit is a conflict (`code` is `rolled_back`, the body is the answer
             *     of a batch); or nothing was applied, since the batch's sync run was cancelled (`sync_cancelled`), the upload was
             *     committed before without these operations, or so long ago that its answer is gone (`upload_committed`), or no more
             *     may be open (`too_many_uploads`).
             */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": (components["schemas"]["RolledBackBatch"] & {
                        /** @constant */
                        status?: 409;
                    }) | (components["schemas"]["Problem"] & {
                        /** @constant */
                        status?: 409;
                        /** @enum {unknown} */
                        code?: "sync_cancelled" | "upload_committed" | "too_many_uploads";
                    });
                };
            };
            /**
             * @description The cursor expired (`cursor_expired`): pull again from the start. Or the upload was dropped, and nothing of it was
             *     applied (`upload_expired`): begin another one
             */
            410: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @constant */
                        status?: 410;
                        /** @enum {unknown} */
                        code?: "cursor_expired" | "upload_expired";
                    };
                };
            };
            /**
             * @description The body is over `max_body_bytes`, counted after decompression (`payload_too_large`); or the upload would be over
             *     its limits (`upload_too_large`), and nothing of the request was kept
             */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @constant */
                        status?: 413;
                        /** @enum {unknown} */
                        code?: "payload_too_large" | "upload_too_large";
                    };
                };
            };
            415: components["responses"]["UnsupportedMediaType"];
            /**
             * @description Either atomic and rolled back, with a culprit that is not a conflict (`code` is `rolled_back`, the body is the
             *     answer of a batch); or the request as a whole was refused (`too_many_operations`, `invalid`).
             */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": (components["schemas"]["RolledBackBatch"] & {
                        /** @constant */
                        status?: 422;
                    }) | (components["schemas"]["Problem"] & {
                        /** @constant */
                        status?: 422;
                        /** @enum {unknown} */
                        code?: "too_many_operations" | "invalid";
                    });
                };
            };
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    undoBatch: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /** @description The batch, as `batch_id` of its answer or of a version names it */
                batch_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UndoRequest"];
            };
        };
        responses: {
            /** @description It was processed. Look at `failed` and at each result. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BatchAnswer"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            410: components["responses"]["HistoryExpired"];
            413: components["responses"]["PayloadTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    dropUpload: {
        parameters: {
            query: {
                /** @description The workspace */
                workspace_id: components["parameters"]["WorkspaceId"];
            };
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /** @description The id that the editor gave to the upload */
                upload_id: components["parameters"]["UploadId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Dropped; nothing of it was applied */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            /** @description There is no such workspace (`not_found`) or upload (`upload_not_found`), or it is not the caller's */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @constant */
                        status?: 404;
                        /** @enum {unknown} */
                        code?: "not_found" | "upload_not_found";
                    };
                };
            };
            /** @description It was committed (`upload_committed`) */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @constant */
                        status?: 409;
                        /** @constant */
                        code?: "upload_committed";
                    };
                };
            };
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    restoreDocuments: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RestoreRequest"];
            };
        };
        responses: {
            /** @description It was processed. Look at `failed` and at each result. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BatchAnswer"];
                };
            };
            /** @description It has begun, and goes on under this sync run */
            202: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RestoreRun"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            /** @description The restore was begun before and cancelled (`sync_cancelled`) */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @constant */
                        status?: 409;
                        /** @constant */
                        code?: "sync_cancelled";
                    };
                };
            };
            410: components["responses"]["HistoryExpired"];
            413: components["responses"]["PayloadTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    diffDocuments: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DiffRequest"];
            };
        };
        responses: {
            /** @description One item for each document asked for, in the order of the request */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DiffAnswer"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["PayloadTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    streamEvents: {
        parameters: {
            query: {
                /** @description The workspace */
                workspace_id: components["parameters"]["WorkspaceId"];
            };
            header?: {
                /** @description The `id` of the last event that was heard, opaque; an empty one is none */
                "Last-Event-ID"?: string;
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The stream */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    /** @description Nothing keeps the stream */
                    "Cache-Control": "no-store";
                    /** @description Nothing compresses the stream */
                    "Content-Encoding": "identity";
                    /** @description Asks proxies to pass on each event at once */
                    "X-Accel-Buffering": "no";
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example id: AQAAAAAAAAAHAAAAAAAAAAB0ZXN0LXNpZ25hdHVyZQ
                     *
                     *     event: change
                     *     id: AQAAAAAAAAAIAAAAAAAAAAB0ZXN0LXNpZ25hdHVyZQ
                     *     data: {"document_id":"0199f3a0-61d2-7a90-8b7c-2c1e9a4b6f70","version":7,"deleted":false,"cursor":"AQAAAAAAAAAIAAAAAAAAAAB0ZXN0LXNpZ25hdHVyZQ"}
                     */
                    "text/event-stream": string;
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["NotFound"];
            410: components["responses"]["CursorExpired"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    listDocuments: {
        parameters: {
            query: {
                /** @description The workspace */
                workspace_id: components["parameters"]["WorkspaceId"];
                /** @description Items of a page at most */
                page_size?: components["parameters"]["PageSize"];
                /** @description The `next_page_token` of the page before, opaque; an empty one is none */
                page_token?: components["parameters"]["PageToken"];
                /** @description Whether tombstones are listed too */
                include_deleted?: boolean;
                /** @description Only documents whose title begins with this */
                title_prefix?: string;
                /**
                 * @description Read the past: a time (RFC 3339), or a cursor of the workspace's feed. As far as the history is kept; what is older is
                 *     410 `history_expired`, and its `since` says from when on it can be read
                 */
                as_of?: components["parameters"]["AsOf"];
            };
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DocumentPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["NotFound"];
            410: components["responses"]["HistoryExpired"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    pullChanges: {
        parameters: {
            query: {
                /** @description The workspace */
                workspace_id: components["parameters"]["WorkspaceId"];
                /**
                 * @description The `next_cursor` of the page before, or of a batch's `changes`; without it, or with an empty one, the start of
                 *     the feed. Opaque
                 */
                cursor?: string;
                /** @description Documents of the page at most */
                limit?: number;
                /**
                 * @description What comes of documents with Yjs state: all of it, or `vector`, the state vector alone, without text and state.
                 *     An editor that has most of them already then fetches what it lacks from `/api/v1/documents/diff`
                 */
                yjs?: "whole" | "vector";
            };
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangesPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["NotFound"];
            410: components["responses"]["CursorExpired"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    searchDocuments: {
        parameters: {
            query: {
                /** @description The workspace */
                workspace_id: components["parameters"]["WorkspaceId"];
                /** @description What is searched for */
                q: string;
                /** @description The `next_cursor` of the page before, of the same search; without it, or with an empty one, the best */
                cursor?: string;
                /** @description Documents of the page at most */
                limit?: number;
            };
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SearchPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    readDocument: {
        parameters: {
            query: {
                /** @description The workspace */
                workspace_id: components["parameters"]["WorkspaceId"];
                /**
                 * @description Read the past: a time (RFC 3339), or a cursor of the workspace's feed. As far as the history is kept; what is older is
                 *     410 `history_expired`, and its `since` says from when on it can be read
                 */
                as_of?: components["parameters"]["AsOf"];
            };
            header?: {
                /** @description An `ETag` that the reader has; if it is still right, the answer is 304 */
                "If-None-Match"?: string;
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /** @description The document */
                document_id: components["parameters"]["DocumentId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The document */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    ETag: components["headers"]["ETag"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Document"];
                };
            };
            /** @description The reader's copy is current */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    ETag: components["headers"]["ETag"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["NotFound"];
            410: components["responses"]["HistoryExpired"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    liveY: {
        parameters: {
            query?: {
                /** @description The access token, where no header can be set. Never logged */
                token?: string;
            };
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /** @description The workspace */
                workspace_id: components["parameters"]["WorkspaceInPath"];
                /** @description The document */
                document_id: components["parameters"]["DocumentId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The socket is open; who may not have it is told by its close code */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            503: components["responses"]["Unavailable"];
        };
    };
    liveHocuspocus: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The socket is open; each document is logged in to by a message of its own */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            403: components["responses"]["Forbidden"];
            503: components["responses"]["Unavailable"];
        };
    };
    listVersions: {
        parameters: {
            query: {
                /** @description The workspace */
                workspace_id: components["parameters"]["WorkspaceId"];
                /** @description How versions are put together; each by itself when absent */
                group?: "none" | "session";
                /** @description Items of a page at most */
                page_size?: components["parameters"]["PageSize"];
                /** @description The `next_page_token` of the page before, opaque; an empty one is none */
                page_token?: components["parameters"]["PageToken"];
            };
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /** @description The document */
                document_id: components["parameters"]["DocumentId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VersionPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    readVersion: {
        parameters: {
            query: {
                /** @description The workspace */
                workspace_id: components["parameters"]["WorkspaceId"];
            };
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /** @description The document */
                document_id: components["parameters"]["DocumentId"];
                version: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The version */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Version"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    register: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: components["requestBodies"]["Credentials"];
        responses: {
            /** @description The account exists now */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            400: components["responses"]["BadRequest"];
            403: components["responses"]["Forbidden"];
            /** @description The name is taken (`username_taken`) */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @constant */
                        status?: 409;
                        /** @constant */
                        code?: "username_taken";
                    };
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    login: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: components["requestBodies"]["Credentials"];
        responses: {
            /** @description Tokens */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            413: components["responses"]["PayloadTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    refresh: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: components["requestBodies"]["RefreshToken"];
        responses: {
            /** @description New tokens */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tokens"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            413: components["responses"]["PayloadTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    logout: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: components["requestBodies"]["RefreshToken"];
        responses: {
            /** @description The session is over */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            413: components["responses"]["PayloadTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    changePassword: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasswordRequest"];
            };
        };
        responses: {
            /** @description The password is set */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            413: components["responses"]["PayloadTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    listSessions: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The sessions */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionList"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    endSession: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /** @description The session */
                session_id: components["parameters"]["SessionInPath"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session is over */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    deleteAccount: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AccountDeletionRequest"];
            };
        };
        responses: {
            /** @description The account is gone */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            409: components["responses"]["LastOwner"];
            413: components["responses"]["PayloadTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    listSyncRuns: {
        parameters: {
            query: {
                /** @description The workspace */
                workspace_id: components["parameters"]["WorkspaceId"];
                /** @description Items of a page at most */
                page_size?: components["parameters"]["PageSize"];
                /** @description The `next_page_token` of the page before, opaque; an empty one is none */
                page_token?: components["parameters"]["PageToken"];
            };
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SyncRunPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    readSyncRun: {
        parameters: {
            query: {
                /** @description The workspace */
                workspace_id: components["parameters"]["WorkspaceId"];
            };
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /** @description The sync run, by an id of the client's choice */
                sync_id: components["parameters"]["SyncId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The run */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SyncRun"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    openSyncRun: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /** @description The sync run, by an id of the client's choice */
                sync_id: components["parameters"]["SyncId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SyncRunRequest"];
            };
        };
        responses: {
            /** @description The run, which was there already */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SyncRun"];
                };
            };
            /** @description The run, opened */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SyncRun"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["PayloadTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    cancelSyncRun: {
        parameters: {
            query: {
                /** @description The workspace */
                workspace_id: components["parameters"]["WorkspaceId"];
            };
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /** @description The sync run, by an id of the client's choice */
                sync_id: components["parameters"]["SyncId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The run */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SyncRun"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    listWorkspaces: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The workspaces */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkspaceList"];
                };
            };
            401: components["responses"]["Unauthorized"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    createWorkspace: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WorkspaceRequest"];
            };
        };
        responses: {
            /** @description The workspace */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Workspace"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            /** @description The id is taken (`workspace_exists`) */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @constant */
                        status?: 409;
                        /** @constant */
                        code?: "workspace_exists";
                    };
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    deleteWorkspace: {
        parameters: {
            query: {
                /** @description The workspace's name, typed to show that it is the one meant; another is 400 */
                name: string;
            };
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /** @description The workspace */
                workspace_id: components["parameters"]["WorkspaceInPath"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The workspace is deleted */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    renameWorkspace: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /** @description The workspace */
                workspace_id: components["parameters"]["WorkspaceInPath"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RenameRequest"];
            };
        };
        responses: {
            /** @description The workspace */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Workspace"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["PayloadTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    listSentInvitations: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /** @description The workspace */
                workspace_id: components["parameters"]["WorkspaceInPath"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The invitations, the oldest in front */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InvitationList"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    readStatistics: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /** @description The workspace */
                workspace_id: components["parameters"]["WorkspaceInPath"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The figures */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Statistics"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    listMembers: {
        parameters: {
            query?: {
                /** @description Items of a page at most */
                page_size?: components["parameters"]["PageSize"];
                /** @description The `next_page_token` of the page before, opaque; an empty one is none */
                page_token?: components["parameters"]["PageToken"];
            };
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /** @description The workspace */
                workspace_id: components["parameters"]["WorkspaceInPath"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The members */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MemberPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    setMember: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /** @description The workspace */
                workspace_id: components["parameters"]["WorkspaceInPath"];
                /** @description The member's name */
                username: components["parameters"]["Username"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MemberRequest"];
            };
        };
        responses: {
            /** @description The member */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Member"];
                };
            };
            /** @description Whoever has the name, or will have it, is invited */
            202: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Member"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["LastOwner"];
            413: components["responses"]["PayloadTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    removeMember: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /** @description The workspace */
                workspace_id: components["parameters"]["WorkspaceInPath"];
                /** @description The member's name */
                username: components["parameters"]["Username"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The user is no longer a member */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["LastOwner"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    listInvitations: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The invitations, the oldest in front */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InvitationList"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    declineInvitation: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /** @description The workspace */
                workspace_id: components["parameters"]["WorkspaceInPath"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description There is no invitation any more */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    acceptInvitation: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /** @description The workspace */
                workspace_id: components["parameters"]["WorkspaceInPath"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The workspace, of which the caller is a member now */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Workspace"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    readLimits: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Every figure is inclusive */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Limits"];
                };
            };
            500: components["responses"]["Internal"];
        };
    };
    health: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name for the request, up to 128 visible ASCII characters; echoed, and written to the server's log */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Documents can be read and written */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"] & {
                        /** @enum {unknown} */
                        status?: "ok" | "degraded";
                    };
                };
            };
            /** @description They cannot; the body says what is wrong */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"] & {
                        /** @constant */
                        status?: "unavailable";
                    };
                };
            };
        };
    };
    metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The metrics */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            404: components["responses"]["NotFound"];
            500: components["responses"]["Internal"];
        };
    };
    openapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OpenAPI 3.1 */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/yaml": string;
                };
            };
        };
    };
    docs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    ETag: components["headers"]["FileTag"];
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description It is still the one that `If-None-Match` names */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    ETag: components["headers"]["FileTag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    docsAsset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                file: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    ETag: components["headers"]["FileTag"];
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description It is still the one that `If-None-Match` names */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    ETag: components["headers"]["FileTag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            404: components["responses"]["NotFound"];
        };
    };
    editor: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    ETag: components["headers"]["FileTag"];
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description It is still the one that `If-None-Match` names */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    ETag: components["headers"]["FileTag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    editorFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The file's name */
                editor_file: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    ETag: components["headers"]["FileTag"];
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description It is still the one that `If-None-Match` names */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    ETag: components["headers"]["FileTag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            404: components["responses"]["NotFound"];
        };
    };
    editorAsset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The folder; what is under `assets` never changes */
                editor_folder: string;
                /** @description The file's name */
                editor_file: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    ETag: components["headers"]["FileTag"];
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description It is still the one that `If-None-Match` names */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    ETag: components["headers"]["FileTag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            404: components["responses"]["NotFound"];
        };
    };
}
