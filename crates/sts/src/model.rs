//! The model of STS as of version 2011-06-15 of its API (botocore 1.44.5): names, parameters, errors, codes, statuses.

aws_operations::model! {
    errors {
        ExpiredTokenException = "ExpiredTokenException", 400, Sender;
        ExpiredTradeInTokenException = "ExpiredTradeInTokenException", 400, Sender;
        IDPCommunicationErrorException = "IDPCommunicationError", 400, Sender;
        IDPRejectedClaimException = "IDPRejectedClaim", 403, Sender;
        InvalidAuthorizationMessageException = "InvalidAuthorizationMessageException", 400, Sender;
        InvalidIdentityTokenException = "InvalidIdentityToken", 400, Sender;
        JWTPayloadSizeExceededException = "JWTPayloadSizeExceededException", 400, Sender;
        MalformedPolicyDocumentException = "MalformedPolicyDocument", 400, Sender;
        OutboundWebIdentityFederationDisabledException = "OutboundWebIdentityFederationDisabledException", 403, Sender;
        PackedPolicyTooLargeException = "PackedPolicyTooLarge", 400, Sender;
        RegionDisabledException = "RegionDisabledException", 403, Sender;
        SessionDurationEscalationException = "SessionDurationEscalationException", 403, Sender;
    }
    operations {
        AssumeRole(RoleArn RoleSessionName; PolicyArns Policy DurationSeconds Tags TransitiveTagKeys ExternalId
            SerialNumber TokenCode SourceIdentity ProvidedContexts MinimumSessionTokenSize) ExpiredTokenException
            MalformedPolicyDocumentException PackedPolicyTooLargeException RegionDisabledException;
        AssumeRoleWithSAML(RoleArn PrincipalArn SAMLAssertion; PolicyArns Policy DurationSeconds
            MinimumSessionTokenSize) ExpiredTokenException IDPRejectedClaimException InvalidIdentityTokenException
            MalformedPolicyDocumentException PackedPolicyTooLargeException RegionDisabledException;
        AssumeRoleWithWebIdentity(RoleArn RoleSessionName WebIdentityToken; ProviderId PolicyArns Policy DurationSeconds
            MinimumSessionTokenSize) ExpiredTokenException IDPCommunicationErrorException IDPRejectedClaimException
            InvalidIdentityTokenException MalformedPolicyDocumentException PackedPolicyTooLargeException
            RegionDisabledException;
        AssumeRoot(TargetPrincipal TaskPolicyArn; DurationSeconds MinimumSessionTokenSize) ExpiredTokenException
            RegionDisabledException;
        DecodeAuthorizationMessage(EncodedMessage;) InvalidAuthorizationMessageException;
        GetAccessKeyInfo(AccessKeyId;);
        GetCallerIdentity(;);
        GetDelegatedAccessToken(TradeInToken;) ExpiredTradeInTokenException PackedPolicyTooLargeException
            RegionDisabledException;
        GetFederationToken(Name; Policy PolicyArns DurationSeconds Tags MinimumSessionTokenSize)
            MalformedPolicyDocumentException PackedPolicyTooLargeException RegionDisabledException;
        GetSessionToken(; DurationSeconds SerialNumber TokenCode MinimumSessionTokenSize) RegionDisabledException;
        GetWebIdentityToken(Audience SigningAlgorithm; DurationSeconds Tags) JWTPayloadSizeExceededException
            OutboundWebIdentityFederationDisabledException SessionDurationEscalationException;
    }
}
