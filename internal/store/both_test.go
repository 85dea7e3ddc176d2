package store

import "testing"

func TestInsideOnPostgres(t *testing.T) {
	RunAll(t, "store", []InBoth{
		{"CheckOfASoundDatabaseInUse", TestCheckOfASoundDatabaseInUse},
		{"CheckTellsADatabaseOfAnotherRelease", TestCheckTellsADatabaseOfAnotherRelease},
		{"ListsThatContradictThemselvesAreFound", TestListsThatContradictThemselvesAreFound},
		{"WhatADatabaseHoldsSurvivesEveryMigration", TestWhatADatabaseHoldsSurvivesEveryMigration},
		{"EverySchemaBecomesThePresentOne", TestEverySchemaBecomesThePresentOne},
		{"AMigrationThatFailsLeavesTheSchemaBefore", TestAMigrationThatFailsLeavesTheSchemaBefore},
		{"APackedRosterIsTheSameAfterwards", nil},
		{"NoPartOfAPackedRosterPassesForOne", nil},
		{"UnpackingTakesFewAllocations", nil},
		{"ARecordShowsNothingButTheRosterOfThatMoment", TestARecordShowsNothingButTheRosterOfThatMoment},
		{"ARecordOutlastsWhatItDoesNotShow", TestARecordOutlastsWhatItDoesNotShow},
		{"ThereAreOnlySoManyRulesOfNetworks", TestThereAreOnlySoManyRulesOfNetworks},
		{"WebhooksAddedAtOnceKeepTheLimit", TestWebhooksAddedAtOnceKeepTheLimit},
		{"TokensAddedAtOnceKeepTheLimit", TestTokensAddedAtOnceKeepTheLimit},
		{"ARecordThatCannotBeReadIsComputedAgain", TestARecordThatCannotBeReadIsComputedAgain},
	})
}
