using GumbelGan.Training.Configuration;
using GumbelGan.Training.Schedules;
using Xunit;

namespace GumbelGan.Tests.Training;

public sealed class TemperatureOptionsTests
{
    [Theory]
    [InlineData(TemperatureSchedule.Constant, 2, 2, 2)]
    [InlineData(TemperatureSchedule.Linear, 4.96, 3, 1)]
    [InlineData(TemperatureSchedule.Exponential, 4.9201, 2.23606797749979, 1)]
    [InlineData(TemperatureSchedule.Cosine, 4.99901312, 3, 1)]
    public void Schedules_pass_through_their_closed_forms(TemperatureSchedule schedule, double first, double middle, double last)
    {
        var options = new TemperatureOptions { Schedule = schedule, Initial = schedule == TemperatureSchedule.Constant ? 2 : 5, Final = 1 };
        Assert.Equal(first, options.At(1, 100), 1e-4);
        Assert.Equal(middle, options.At(50, 100), 1e-9);
        Assert.Equal(last, options.At(100, 100), 1e-12);
    }

    [Fact]
    public void RelGANs_schedule_ends_at_the_inverse_of_beta_max_whatever_the_number_of_steps()
    {
        var options = new TemperatureOptions { Schedule = TemperatureSchedule.Relgan, Initial = 1, BetaMax = 100 };
        foreach (long steps in (long[])[1, 7, 2000, 5000])
        {
            Assert.Equal(0.01, options.At(steps, steps), 1e-12);
        }

        // 2000 of a hard-coded 5000 steps would end at 100^-0.4 = 1 / 6.3, the published code's mistake.
        Assert.Equal(Math.Pow(100, -0.4), options.At(2000, 5000), 1e-12);
    }

    [Fact]
    public void Jangs_schedule_decays_exponentially_down_to_its_floor()
    {
        var options = new TemperatureOptions { Schedule = TemperatureSchedule.Jang, Initial = 1, Final = 0.5, Rate = 1e-3 };
        Assert.Equal(Math.Exp(-0.3), options.At(300, 10000), 1e-12);
        Assert.Equal(0.5, options.At(5000, 10000), 1e-12);
        Assert.Equal(Math.Exp(-0.2), (options with { Horizon = 200 }).At(300, 10000), 1e-12);
    }

    [Fact]
    public void A_cosine_learning_rate_starts_full_passes_a_half_and_ends_near_zero()
    {
        var options = new PretrainingOptions { LearningRate = 0.4, Schedule = CosineSchedule.Entry };
        Assert.Equal(0.4, options.LearningRateAt(1, 100), 1e-12);
        Assert.Equal(0.2, options.LearningRateAt(51, 100), 1e-12);
        Assert.Equal(0.4 * (1 + Math.Cos(0.99 * Math.PI)) / 2, options.LearningRateAt(100, 100), 1e-12);
        Assert.Equal(0.4, (options with { Schedule = ConstantSchedule.Entry }).LearningRateAt(100, 100), 1e-12);
    }

    [Fact]
    public void Both_players_have_a_schedule_and_a_first_decay_rate_of_their_own()
    {
        var options = new AdversarialOptions
        {
            GeneratorLearningRate = 0.4,
            DiscriminatorLearningRate = 0.3,
            GeneratorSchedule = CosineSchedule.Entry,
            Beta1 = 0.5,
            DiscriminatorBeta1 = 0,
        };
        Assert.Equal(0.2, options.GeneratorLearningRateAt(51, 100), 1e-12);
        Assert.Equal(0.3, options.DiscriminatorLearningRateAt(51, 100), 1e-12);
        Assert.Equal((0.5, 0.0), (options.BetaOfGenerator, options.BetaOfDiscriminator));
        Assert.Equal(0.15, (options with { DiscriminatorSchedule = CosineSchedule.Entry }).DiscriminatorLearningRateAt(51, 100), 1e-12);
    }
}
