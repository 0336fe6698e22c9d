using GumbelGan.Storage;
using GumbelGan.Training;
using GumbelGan.Training.Runs;
using Xunit;

namespace GumbelGan.Tests.Training;

/// <summary>A checkpoint that training deletes while somebody reads it.</summary>
public sealed class PrunedCheckpointTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Whoever_reads_a_checkpoint_that_is_pruned_meanwhile_gets_the_one_that_took_its_place(bool isBest)
    {
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=mle"));
        RunFolder folder = RunFolder.Open(run.Run);
        string checkpoints = Path.Combine(run.Run, "checkpoints");
        TrainingState before = (isBest ? folder.Best() : folder.Latest()).State();
        int readings = 0;
        TrainingState Read(Checkpoint checkpoint)
        {
            if (readings++ == 0)
            {
                // What a run does that moves on: another checkpoint, then the pointers, and the old one goes.
                string next = Path.Combine(checkpoints, "999999");
                Directory.Move(checkpoint.Path, next);
                File.WriteAllText(Path.Combine(checkpoints, isBest ? "best" : "latest"), "999999\n");
                Assert.False(Directory.Exists(checkpoint.Path));
            }

            TrainingJob.Load(folder, checkpoint).Generator.Dispose();
            return checkpoint.State();
        }

        TrainingState state = isBest ? folder.ReadBest(Read) : folder.ReadLatest(Read);
        Assert.Equal(2, readings);
        Assert.Equal(before.ToJson(), state.ToJson());
    }

    [Fact]
    public void A_checkpoint_that_is_gone_with_nothing_in_its_place_is_the_users_to_mend()
    {
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=mle"));
        RunFolder folder = RunFolder.Open(run.Run);
        Directory.Delete(folder.Latest().Path, recursive: true);
        Assert.Throws<UserMistakeException>(() => folder.ReadLatest(checkpoint => checkpoint.State()));
    }
}
