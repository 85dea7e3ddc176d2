package store_test

import (
	"testing"

	"monarch/internal/store"
)

// onPostgres are the tests that run on PostgreSQL, too.
var onPostgres = []store.InBoth{
	{"ANewAccountHasTheDefaults", TestANewAccountHasTheDefaults},
	{"Roles", TestRoles},
	{"AccountsAreFound", TestAccountsAreFound},
	{"Webhooks", TestWebhooks},
	{"LeasesOfWebhooks", TestLeasesOfWebhooks},
	{"AnOutboxIsBounded", TestAnOutboxIsBounded},
	{"HandlesAreUniqueWhateverTheirCase", TestHandlesAreUniqueWhateverTheirCase},
	{"CredentialCountsWhatMakesTicketsWorthless", TestCredentialCountsWhatMakesTicketsWorthless},
	{"NobodysAccountIsRefused", TestNobodysAccountIsRefused},
	{"UsersComeInPages", TestUsersComeInPages},
	{"ADeletedHandleMayBeTakenAgain", TestADeletedHandleMayBeTakenAgain},
	{"IDsAreDenseAndNeverGivenTwice", TestIDsAreDenseAndNeverGivenTwice},
	{"ContactsShowWhatTheListsSay", TestContactsShowWhatTheListsSay},
	{"AddTellsWhatItHasDone", TestAddTellsWhatItHasDone},
	{"RemoveTellsWhatItHasDone", TestRemoveTellsWhatItHasDone},
	{"PeopleMayHaveThemselvesOnTheirLists", TestPeopleMayHaveThemselvesOnTheirLists},
	{"AnyBytesSurviveInNames", TestAnyBytesSurviveInNames},
	{"GroupsTakeTheLowestFreeNumber", TestGroupsTakeTheLowestFreeNumber},
	{"AGroupThatExistsIsReturnedWithThePresentVersion", TestAGroupThatExistsIsReturnedWithThePresentVersion},
	{"ARenamedGroupKeepsItsNumberAndPeople", TestARenamedGroupKeepsItsNumberAndPeople},
	{"RemoveGroupTellsWhoLeft", TestRemoveGroupTellsWhoLeft},
	{"WhatIsImportedIsWhatWouldHaveBeenMade", TestWhatIsImportedIsWhatWouldHaveBeenMade},
	{"AnImportNamesWhatItRefuses", TestAnImportNamesWhatItRefuses},
	{"AmongManyImportedTheOneThatIsRefusedIsNamed", TestAmongManyImportedTheOneThatIsRefusedIsNamed},
	{"AnImportKeepsANameThatWasRememberedOnlyUntilThereIsAnother", TestAnImportKeepsANameThatWasRememberedOnlyUntilThereIsAnother},
	{"AnImportGoesOnInPieces", TestAnImportGoesOnInPieces},
	{"KeysAreReplacedWithOverlap", TestKeysAreReplacedWithOverlap},
	{"KeyIDsBeginAgain", TestKeyIDsBeginAgain},
	{"ThereAreNotEndlesslyManyKeys", TestThereAreNotEndlesslyManyKeys},
	{"Mailboxes", TestMailboxes},
	{"AnAccountComesWithItsMailbox", TestAnAccountComesWithItsMailbox},
	{"InvitationLimits", TestInvitationLimits},
	{"InvitationsOfManyAtOnceKeepTheLimit", TestInvitationsOfManyAtOnceKeepTheLimit},
	{"MovesBetweenGroups", TestMovesBetweenGroups},
	{"TheStoreDoesWhatTheModelDoes", TestTheStoreDoesWhatTheModelDoes},
	{"ALargeRosterIsWholeAndInOrder", TestALargeRosterIsWholeAndInOrder},
	{"NamesAreThoseOfEverybodyInTheRoster", TestNamesAreThoseOfEverybodyInTheRoster},
	{"AContactIsAsTheRosterHasHim", TestAContactIsAsTheRosterHasHim},
	{"PropertiesComeInTheOrderOfTheProtocol", TestPropertiesComeInTheOrderOfTheProtocol},
	{"PropertiesShowToContactsOfTheOwner", TestPropertiesShowToContactsOfTheOwner},
	{"SettingsAreKept", TestSettingsAreKept},
	{"SigningUpByInvitation", TestSigningUpByInvitation},
	{"RulesOfNetworks", TestRulesOfNetworks},
	{"ALockThatEnds", TestALockThatEnds},
	{"LocksMakeTicketsWorthless", TestLocksMakeTicketsWorthless},
	{"InviteCodes", TestInviteCodes},
	{"AnInvitationIsUsedNoOftenerThanItMayBe", TestAnInvitationIsUsedNoOftenerThanItMayBe},
	{"AnAddressIsConfirmed", TestAnAddressIsConfirmed},
	{"AConfirmationThatCannotBe", TestAConfirmationThatCannotBe},
	{"LettersToOneMailboxAreFew", TestLettersToOneMailboxAreFew},
	{"APasswordIsReset", TestAPasswordIsReset},
	{"ALetterOfAnotherTimeResetsNothing", TestALetterOfAnotherTimeResetsNothing},
	{"ALetterIsGoodOnceHoweverManyUseIt", TestALetterIsGoodOnceHoweverManyUseIt},
	{"URLsThatNameNoDatabaseAreRefusedWithAdvice", nil},
	{"ChangesOfSeveralNodesAreAsIfOneAfterTheOther", TestChangesOfSeveralNodesAreAsIfOneAfterTheOther},
	{"WhatWasStoredIsThereAfterReopening", TestWhatWasStoredIsThereAfterReopening},
	{"ACancelledContextStopsEverything", TestACancelledContextStopsEverything},
	{"ChangesAtOnceAllCount", TestChangesAtOnceAllCount},
	{"TwoProcessesMayUseOneDatabase", TestTwoProcessesMayUseOneDatabase},
	{"TheFirstKeyIsMadeOnce", TestTheFirstKeyIsMadeOnce},
	{"ADatabaseOfANewerReleaseIsLeftAlone", TestADatabaseOfANewerReleaseIsLeftAlone},
	{"UseAfterClosingIsAnError", TestUseAfterClosingIsAnError},
	{"EveryChangeMovesTheVersionsItShould", TestEveryChangeMovesTheVersionsItShould},
	{"RefusedChangesChangeNothing", TestRefusedChangesChangeNothing},
	{"AListOnlyTheServerKeepsIsRefused", TestAListOnlyTheServerKeepsIsRefused},
	{"AWebSession", TestAWebSession},
	{"TokensOfPrograms", TestTokensOfPrograms},
	{"WhatEndsWebSessions", TestWhatEndsWebSessions},
	{"ThereAreOnlySoManyWebSessions", TestThereAreOnlySoManyWebSessions},
	{"WhatIsExportedAndImportedIsTheSame", TestWhatIsExportedAndImportedIsTheSame},
	{"WhatAnImportDoesToAccountsThatAreThere", TestWhatAnImportDoesToAccountsThatAreThere},
	{"TheFirstAccountKeyStays", TestTheFirstAccountKeyStays},
	{"OneNodeAtATimeAsksForACertificate", TestOneNodeAtATimeAsksForACertificate},
	{"ChallengesAreThereForAWhile", TestChallengesAreThereForAWhile},
}

func TestOnPostgres(t *testing.T) { store.RunAll(t, "store_test", onPostgres) }

func BenchmarkOnPostgres(b *testing.B) {
	b.Run("User", BenchmarkUser)
	b.Run("Roster", BenchmarkRoster)
	b.Run("AddRemove", BenchmarkAddRemove)
	b.Run("Changes", BenchmarkChanges)
	b.Run("Import", BenchmarkImport)
}
