-- Texts are read from Yjs states by other code than before: what was derived is derived anew when it is next shown, and
-- what could not be shown is tried again. No state is touched.
UPDATE documents SET damaged = FALSE WHERE damaged;
UPDATE document_bodies SET content = NULL, content_version = 0
    WHERE content IS NOT NULL AND EXISTS (
        SELECT 1 FROM documents
        WHERE documents.workspace_id = document_bodies.workspace_id
            AND documents.document_id = document_bodies.document_id
            AND documents.content_digest IS NULL AND documents.state_vector IS NOT NULL
    );
