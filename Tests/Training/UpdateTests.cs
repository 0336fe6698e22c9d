using GumbelGan.Training;
using GumbelGan.Training.Runs;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Training;

public sealed class UpdateTests
{
    private static readonly StepContext _step = new(1, 1, null, new GumbelGan.Randomness.RandomKey(1), new GumbelGan.Randomness.RandomKey(2));

    [Fact]
    public void A_judge_is_frozen_while_the_other_learns_and_thawed_again_even_where_the_loss_is_no_number_or_throws()
    {
        using Linear player = nn.Linear(2, 2), judge = nn.Linear(2, 1);
        using Learner learns = new("player", player, 0.1, 0.9), judges = new("judge", judge, 0.1, 0.9);
        bool wasFrozen = false;
        Tensor Score() => judge.call(player.call(ones(1, 2))).sum();
        float[] before = player.weight!.data<float>().ToArray();

        UpdateResult diverged = Make(() => Score() * double.NaN);
        Assert.False(diverged.IsFinite);
        Assert.Equal(before, player.weight!.data<float>().ToArray());
        AssertThawed();

        Assert.Throws<InvalidOperationException>(() => Make(() => throw new InvalidOperationException("in the loss")));
        AssertThawed();

        Assert.True(Make(() => Score()).IsFinite);
        Assert.NotEqual(before, player.weight!.data<float>().ToArray());
        Assert.Null(judge.weight!.grad);
        AssertThawed();

        UpdateResult Make(Func<Tensor> loss) => new TestUpdate(learns, judges, () =>
        {
            wasFrozen = !judge.weight!.requires_grad;
            return loss();
        }).Make(_step, 0);

        void AssertThawed()
        {
            Assert.True(wasFrozen);
            Assert.All(judge.parameters(), parameter => Assert.True(parameter.requires_grad));
            wasFrozen = false;
        }
    }

    private sealed class TestUpdate(Learner learner, Learner frozen, Func<Tensor> loss) : Update(learner, clipNorm: 1)
    {
        public override Learner Frozen => frozen;

        public override double LearningRateAt(long step, long steps) => 0.1;

        public override (Tensor Loss, IReadOnlyList<(string Tag, double Value)> Measured) Loss(StepContext step, int repeat) => (loss(), []);

        public override IReadOnlyList<(string Tag, double Value)> Report(StepContext step, UpdateResult made) => [];

        public override TrainingState Counted(TrainingState state, int repeat) => state;
    }
}
